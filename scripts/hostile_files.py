"""Damaged and strange files for scripts/hostile_command_lines.py."""

import json
import os
import pathlib
import socket
import zipfile

import numpy as np

from darts_tf import genotypes

#: A name that no file can have.
LONG = "x" * 5000


def write_files(folder: pathlib.Path) -> dict[str, str]:
    """Writes damaged and strange files; name -> path."""
    folder = folder / "files"
    folder.mkdir()
    images = np.random.default_rng(0).integers(0, 255, (30, 6, 6, 1)).astype("uint8")
    labels = np.arange(30) % 3
    found = {}

    def path(name):
        found[name] = str(folder / name)
        return folder / name

    def write(name, content):
        path(name).write_bytes(content if isinstance(content, bytes) else content.encode())

    def npz(name, **arrays):
        np.savez(path(name), **{"x_train": images, "y_train": labels, **arrays})

    for name in ("fifo", "fifo.npz", "fifo.json", "fifo.csv", "fifo.flags"):
        os.mkfifo(path(name))
    for name in ("folder", "folder.npz", "folder.json"):
        path(name).mkdir()
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path("socket.npz")))
    server.close()
    path("loop.npz").symlink_to("loop.npz")
    write("empty", "")
    write("empty.npz", "")
    write("empty.json", "")
    npz("good.npz")
    good = pathlib.Path(found["good.npz"]).read_bytes()
    write("cut.npz", good[: len(good) // 2])
    write("flipped.npz", good[:200] + bytes([255 - good[200]]) + good[201:])
    with zipfile.ZipFile(path("text.npz"), "w") as archive:
        archive.writestr("x_train.npy", "no array")
        archive.writestr("y_train.npy", "no array")
    huge = (
        b"\x93NUMPY\x01\x00v\x00"
        + (b"{'descr': '|u1', 'fortran_order': False, 'shape': (999999999999, 6, 6, 1), }").ljust(
            117
        )
        + b"\n"
    )
    with zipfile.ZipFile(path("huge.npz"), "w") as archive:
        archive.writestr("x_train.npy", huge)
        archive.writestr("y_train.npy", huge)
    npz("objects.npz", class_names=np.array(["a", 1, None], dtype=object))
    npz("newline.npz", class_names=np.array(["a\nb", "c", "d"]))
    npz("same_names.npz", class_names=np.array(["a", "a", "b"]))
    npz("no_name.npz", class_names=np.array(["", "a", "b"]))
    npz("negative.npz", y_train=labels - 1)
    npz("large_label.npz", y_train=labels * 10**9)
    npz("nan.npz", x_train=np.full((30, 6, 6, 1), np.nan))
    npz("floats.npz", x_train=images * 1e30)
    npz("no_images.npz", x_train=images[:0], y_train=labels[:0])
    npz("one_side.npz", x_train=images[:, :0])
    for name in ("a\nb", "c"):
        (path("newline_folder") / name).mkdir(parents=True)
        _picture(folder / "newline_folder" / name / "1.png")
    for name in ("a", "b"):
        (path("damaged_folder") / name).mkdir(parents=True)
        (folder / "damaged_folder" / name / "1.png").write_bytes(b"\x89PNG damaged")
    (path("odd_folder") / os.fsdecode(b"caf\xe9")).mkdir(parents=True)
    _picture(folder / "odd_folder" / os.fsdecode(b"caf\xe9") / "1.png")
    (folder / "odd_folder" / "b").mkdir()
    _picture(folder / "odd_folder" / "b" / "1.png")

    genotype = genotypes.get("DARTS_V2").to_dict()

    def changed(*place, value):
        copy = json.loads(json.dumps(genotype))
        inner = copy
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = value
        return json.dumps(copy)

    nodes = ("cells", "normal", "nodes")
    write("nested.json", "[" * 100_000 + "]" * 100_000)
    write("digits.json", "1" * 5000)
    write("bom.json", b"\xff\xfe{\x00}\x00")
    write("null.json", "null")
    write("large_source.json", changed(*nodes, 0, 0, value=["skip_connect", int("9" * 400)]))
    write("negative_source.json", changed(*nodes, 0, 0, value=["skip_connect", -1]))
    write("boolean_source.json", changed(*nodes, 0, 0, value=["skip_connect", True]))
    write("many_nodes.json", changed(*nodes, value=[[["skip_connect", 0]]] * 10_000))
    write("long_operation.json", changed(*nodes, 0, 0, value=[LONG, 0]))
    write("long_space.json", changed("space", value=LONG))
    write("no_concat.json", changed("cells", "normal", "concat", value=[]))
    write("large_concat.json", changed("cells", "normal", "concat", value=[10**30]))

    write("table.csv", "architecture,accuracy\nno cell,1\n")
    write("long.csv", "architecture,accuracy\n" + LONG * 100 + ",1\n")
    write("header.csv", "a,b\n1,2\n")
    write("bytes.csv", bytes(range(256)))
    write("latency.json", json.dumps({"device": "x", "batch_size": 1, "milliseconds": {}}))
    write("latency_list.json", json.dumps({"milliseconds": [1]}))
    write(
        "latency_text.json",
        json.dumps({"device": 1, "batch_size": "a", "milliseconds": {"a": "b"}}),
    )
    write("bytes.flags", bytes(range(128, 256)))
    write("own.txt", "the user's own")
    path("own").mkdir()
    (folder / "own" / "thesis.tex").write_text("the user's own")

    for name, config in {
        "run_list": "[]",
        "run_damaged": "{",
        "run_nested": "[" * 100_000,
        "run_bytes": b"\xff\xfe",
        "run_empty": "{}",
        "run_half": '{"program": "search"}',
        "run_method": '{"program": "search", "method": 5}',
        "run_unknown": '{"program": "search", "method": "nosuch"}',
        "run_evaluate": '{"program": "evaluate"}',
        "run_random": '{"program": "search", "method": "random"}',
        "run_epochs": '{"program": "search", "method": "darts-v1", "epochs": [], "channels": "a"}',
        "run_nothing": '{"program": "search", "method": "darts-v1", "space": "s2"}',
    }.items():
        path(name).mkdir()
        content = config if isinstance(config, bytes) else config.encode()
        (folder / name / "config.json").write_bytes(content)
    path("run_fifo").mkdir()
    os.mkfifo(folder / "run_fifo" / "config.json")

    data = {
        "image_shape": [8, 8, 1],
        "mean": [0.5],
        "std": [0.5],
        "class_names": ["a", "b"],
    }
    for name, content in {
        "export_digits": json.dumps({**data, "mean": [int("9" * 400)]}),
        "export_infinite": json.dumps({**data, "mean": [0.5]}).replace("[0.5]", "[1e999]"),
        "export_zero": json.dumps({**data, "std": [0]}),
        "export_shape": json.dumps({**data, "image_shape": [10**30, 8, 1]}),
        "export_negative": json.dumps({**data, "image_shape": [-8, 8, 1]}),
        "export_newline": json.dumps({**data, "class_names": ["a\nb", "c"]}),
        "export_same": json.dumps({**data, "class_names": ["a", "a"]}),
        "export_none": json.dumps({**data, "class_names": []}),
        "export_list": "[]",
        "export_nested": "[" * 100_000,
        "export_bytes": b"\xff\xfe",
        "export_no_model": json.dumps(data),
        "export_bad_model": json.dumps(data),
        "export_fifo_model": json.dumps(data),
        "export_zip_model": json.dumps(data),
        "export_bad_genotype": json.dumps(data),
    }.items():
        path(name).mkdir()
        run_dir = folder / name
        (run_dir / "data.json").write_bytes(
            content if isinstance(content, bytes) else content.encode()
        )
        (run_dir / "genotype.json").write_text(
            "[" * 100_000 if name == "export_bad_genotype" else json.dumps(genotype)
        )
        if name == "export_fifo_model":
            os.mkfifo(run_dir / "model.keras")
        elif name == "export_zip_model":
            with zipfile.ZipFile(run_dir / "model.keras", "w") as archive:
                archive.writestr("config.json", "[" * 1000)
        elif name != "export_no_model":
            (run_dir / "model.keras").write_bytes(b"no model")
    path("export_fifo").mkdir()
    os.mkfifo(folder / "export_fifo" / "data.json")
    path("served").mkdir()
    (folder / "served" / "1").mkdir()
    (folder / "served" / "1" / "saved_model.pb").write_bytes(b"no model")
    path("served_empty").mkdir()
    return found


def _picture(path) -> None:
    from PIL import Image

    Image.fromarray(np.zeros((6, 6), "uint8")).save(path)
