"""A small linear classifier of texts: hashed words and runs of characters, logistic regressions,
8-bit weights.

`tokens` cuts a text into sentences and words, `model` judges and reads and writes files, `fit`
trains and needs no more than numpy. Who uses it brings the classes and the examples.
"""
