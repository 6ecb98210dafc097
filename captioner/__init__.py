"""The captioning model as a library: photos in, words out. Knows neither Django nor Celery.

This module imports nothing, so that `import captioner.config` stays cheap and free of torch.
"""
