import pytest

from darts_tf.common.errors import reason

LOADING = """A total of 2 objects could not be loaded. Example error message for object <Conv2D>:

Layer 'conv2d' expected 1 variables, but received 0 variables during loading.

List of objects that could not be loaded:
[<Conv2D>]"""
DESERIALIZING = """<class 'Stem'> could not be deserialized properly. Please ensure.

config={'module': 'darts_tf'}.

Exception encountered: Stem.__init__() got an unexpected keyword argument 'width'"""
CALLING = """Exception encountered when calling Conv2D.call().

\x1b[1mThe Conv2D op currently only supports the NHWC tensor format on the CPU.\x1b[0m

Arguments received by Conv2D.call():
  • inputs=tf.Tensor(shape=(2, 6, 8, 4))"""


@pytest.mark.parametrize(
    "message, expected",
    [
        ("one line", "one line"),
        ("a line\nand another", "a line"),
        ("", "ValueError"),
        (
            LOADING,
            "A total of 2 objects could not be loaded. Example error message for object <Conv2D>: "
            "Layer 'conv2d' expected 1 variables, but received 0 variables during loading.",
        ),
        (DESERIALIZING, "Stem.__init__() got an unexpected keyword argument 'width'"),
        (CALLING, "The Conv2D op currently only supports the NHWC tensor format on the CPU."),
    ],
)
def test_reason(message, expected):
    assert reason(ValueError(message)) == expected
