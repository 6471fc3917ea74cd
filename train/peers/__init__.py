"""The same steps in other frameworks, to compare with.

They are programs of their own, which print a `darts_tf.benchmark.measurement.Measurement` as JSON.
They import nothing of TensorFlow, so that their memory and their start are those of a program
that was written for their framework alone.
"""
