import subprocess
import sys

MODULES = (
    *("messages", "interface", "open_inference", "open_inference_rest"),
    *("tensors", "tf_serving"),
)


def test_a_process_that_reads_requests_starts_without_tensorflow():
    imports = "".join(f"import darts_tf.serving.{name}\n" for name in MODULES)
    code = f"{imports}import sys\nsys.exit(bool({{'keras', 'tensorflow'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
