"""Captioned photos in, a model bundle out. The way from a captions file to a bundle, module by module:

 1. management.commands.train_captioner takes a recipe (options.recipes) and options; run.start_and_resume begins.
 2. data.dataset reads captions files and photos; data.caption_checks warns of captions that nothing can be learnt from.
 3. model.initial_model makes encoder and decoder; options.stage_plan says which parts learn, and in what order.
 4. run.prepared_run holds all of that; run_folder.run_settings and fingerprint keep it, so that a run can be resumed.
 5. batches.feature_cache keeps what the frozen encoder makes of each photo; batches.training_set makes batches.
 6. run.epoch_loop runs the stages; epoch.training_steps takes the steps, at the rate of epoch.learning_rate.
 7. objectives.objective says what a step makes smaller: cross_entropy, distillation, or self_critical training.
 8. epoch.validation captions the validation photos; epoch.best_epoch keeps the weights of the best.
 9. run_folder.checkpoint and learning_curves keep the run; run.early_stopping ends it early.
10. run.bundle_writer writes the bundle with its run.model_card; run.run_failure says whether it is worth registering.

scoring tells how good captions are, pages shows that to people, hardware knows the machine. Each room imports only from
those below it (pyproject.toml has the floors). A Django app only so that manage.py finds its commands.
"""
