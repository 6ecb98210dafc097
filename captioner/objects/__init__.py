"""Words that the captioner was never taught: from the encoder's own classifier to the caption.

everyday_words.tsv, nouns.tsv   words of ours, read by a person
table_builder.py                makes imagenet_words.json of them and of WordNet
object_words.py                 the table of a bundle: classes -> everyday words, and how far each is trusted
object_head.py                  the classifier's last stages and layer, on the stages it shares with the encoder
object_evidence.py              scores of classes -> probabilities of words
object_decoding.py              the caption model's next word, given what the classifier sees
object_grammar.py               articles, and mass nouns
"""
