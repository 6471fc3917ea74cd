"""Starts the server on a free port, asks it what a digit shows, and stops it.

python scripts/serve_and_ask.py MODEL
"""

import base64
import io
import json
import re
import subprocess
import sys
import urllib.request

from PIL import Image
from sklearn.datasets import load_digits


def main(model_dir):
    command = [sys.executable, "-m", "train.serve", f"--model_dir={model_dir}", "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            line = next((x for x in server.stdout if "http://" in x), None)
            if line is None:
                sys.exit("error: the server did not start; see above")
            address = re.search(r"http://[0-9.]+:\d+", line)[0]
            ask(address)
        finally:
            server.terminate()
            # It says that it was stopped; without a reader that would be an error.
            server.stdout.read()


def ask(address):
    digits = load_digits()
    pixels, label = digits.images[-1], digits.target[-1]
    file = io.BytesIO()
    Image.fromarray((pixels / 16 * 255).round().astype("uint8")).save(file, "PNG")
    body = {
        "signature_name": "serving_bytes",
        "instances": [{"b64": base64.b64encode(file.getvalue()).decode()}],
    }
    url = f"{address}/v1/models/darts:predict"
    with urllib.request.urlopen(url, json.dumps(body).encode(), timeout=60) as response:
        answer = json.load(response)["predictions"][0]
    print(f"POST {url} with a picture of the digit {label}")
    print(
        f"answer: it is a {answer['class_names']}, "
        f"with probability {max(answer['probabilities']):.3f}"
    )


if __name__ == "__main__":
    main(sys.argv[1])
