"""What the examples tell each of several processes, without Slurm or Kubernetes."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import textwrap

import pytest

from train import strategies

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"
NAMES = "TF_CONFIG", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT", "KERASTUNER_TUNER_ID"


@pytest.fixture
def programs(tmp_path):
    """A folder of programs: `python` prints the environment, `scontrol` knows three nodes."""
    folder = tmp_path / "bin"
    folder.mkdir()
    prints = " ".join(f'"${{{name}:-}}"' for name in NAMES)
    texts = {
        "python": f"printf '%s\\n' {prints}",
        "scontrol": 'test "$*" = "show hostnames n[1-3]" && printf "n%d\\n" 1 2 3',
    }
    for name, text in texts.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return folder


def environment(programs, **variables):
    """Of a process, as the variables say, with `programs`."""
    path = f"{programs}:{os.environ['PATH']}"
    others = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM", "KERASTUNER"))}
    return {**others, "PATH": path, **{k: str(v) for k, v in variables.items()}}


def told(command, **options) -> dict:
    """The variables that a process finds."""
    done = subprocess.run(command, capture_output=True, text=True, check=True, **options)
    return dict(zip(NAMES, done.stdout.splitlines()[-len(NAMES) :], strict=True))


def cluster(text: str, monkeypatch) -> tuple[list, int]:
    """The workers in a `TF_CONFIG` that the programs take, and which of them this one is."""
    monkeypatch.setenv("TF_CONFIG", text)
    found = strategies._cluster()
    assert set(found) == {"worker"}
    return found["worker"], json.loads(text)["task"]["index"]


class TestSlurm:
    @pytest.mark.parametrize(
        ("counts", "expected"),
        [
            ("1(x3)", ["n1:21007", "n2:21007", "n3:21007"]),
            ("2,1(x2)", ["n1:21007", "n1:21008", "n2:21007", "n3:21007"]),
            ("1,2,1", ["n1:21007", "n2:21007", "n2:21008", "n3:21007"]),
        ],
    )
    def test_workers(self, programs, counts, expected, monkeypatch):
        for index in (0, len(expected) - 1):
            variables = environment(
                programs,
                SLURM_PROCID=index,
                SLURM_JOB_ID=41007,
                SLURM_STEP_NODELIST="n[1-3]",
                SLURM_STEP_TASKS_PER_NODE=counts,
            )
            command = ["bash", EXAMPLES / "slurm/worker.sh", "python", "-m", "train.search"]
            found = told(command, env=variables)
            assert cluster(found["TF_CONFIG"], monkeypatch) == (expected, index)

    @pytest.mark.parametrize(("index", "name"), [(0, "chief"), (1, "tuner0"), (4, "tuner3")])
    def test_tuner(self, programs, index, name):
        variables = environment(
            programs, SLURM_PROCID=index, SLURM_JOB_ID=3, SLURM_STEP_NODELIST="n[1-3]"
        )
        found = told(["bash", EXAMPLES / "slurm/tuner.sh", "python"], env=variables)
        assert list(found.values()) == ["", "n1", "20003", name]

    @pytest.mark.parametrize("name", ["worker.sh", "tuner.sh"])
    def test_without_srun(self, programs, name):
        done = subprocess.run(
            ["bash", EXAMPLES / "slurm" / name, "python"],
            env=environment(programs),
            capture_output=True,
            text=True,
        )
        assert done.returncode and "start this script by srun" in done.stderr


class TestKubernetes:
    def command(self, name, programs, index):
        """The command of a file's container, to be run, and the file."""
        text = (EXAMPLES / "kubernetes" / name).read_text()
        script = re.search(r"args:\n +- \|\n(.*?)\n +ports:", text, re.DOTALL)[1]
        values = dict(re.findall(r"- name: ([A-Z_]+)\n +value: \"?([^\"\n]+)", text))
        variables = environment(programs, JOB_COMPLETION_INDEX=index, **values)
        return ["bash", "-euc", textwrap.dedent(script)], variables, text

    @pytest.mark.parametrize("index", [0, 1])
    def test_workers(self, programs, index, monkeypatch):
        command, variables, text = self.command("search.yaml", programs, index)
        workers, found = cluster(told(command, env=variables)["TF_CONFIG"], monkeypatch)
        assert found == index
        # Job, index, and service, all of which are in the file.
        assert workers == [f"darts-search-{i}.darts-search:2222" for i in (0, 1)]
        for said in ("subdomain: darts-search", "completions: 2", "parallelism: 2", "port: 2222"):
            assert said in text

    @pytest.mark.parametrize(("index", "name"), [(0, "chief"), (1, "tuner0"), (2, "tuner1")])
    def test_tuner(self, programs, index, name):
        command, variables, text = self.command("tune.yaml", programs, index)
        found = told(command, env=variables)
        assert list(found.values()) == ["", "darts-tune-0.darts-tune", "8000", name]
        assert "completions: 3" in text and "port: 8000" in text


class TestSeveralProcesses:
    def run(self, programs, *words):
        command = ["bash", str(EXAMPLES / "several_processes.sh"), *words]
        return subprocess.run(
            command, env=environment(programs), capture_output=True, text=True, timeout=20
        )

    def test_each_has_its_number(self, programs, monkeypatch):
        script = 'sleep 0.$(($$ % 5)); echo "$TF_CONFIG"'
        done = self.run(programs, "3", "sh", "-c", script)
        found = [cluster(line, monkeypatch) for line in done.stdout.splitlines()]
        assert (done.returncode, done.stderr) == (0, "")
        assert sorted(index for _, index in found) == [0, 1, 2]
        assert all(workers == found[0][0] for workers, _ in found)
        assert len(set(found[0][0])) == 3

    # Where there are many the first has ended before anybody waits for it.
    @pytest.mark.parametrize(("count", "failing"), [("3", 1), ("20", 0)])
    def test_when_one_fails_all_are_stopped(self, programs, count, failing):
        script = f'case "$TF_CONFIG" in *\'"index": {failing}}}}}\') exit 2;; esac; exec sleep 100'
        done = self.run(programs, count, "bash", "-c", script)
        assert (done.returncode, done.stderr) == (2, "")

    def test_a_signal_comes_to_each_once(self, programs):
        script = (
            "trap 'echo told; sleep 0.3; exit 143' TERM; echo there; while :; do sleep 0.05; done"
        )
        command = ["bash", str(EXAMPLES / "several_processes.sh"), "2", "bash", "-c", script]
        process = subprocess.Popen(
            command, env=environment(programs), stdout=subprocess.PIPE, text=True
        )
        assert [process.stdout.readline() for _ in range(2)] == ["there\n"] * 2
        process.terminate()
        assert process.communicate(timeout=20)[0] == "told\n" * 2
        assert process.returncode == 143

    def test_without_a_command(self, programs):
        done = self.run(programs, "2")
        assert done.returncode == 2 and "usage:" in done.stderr


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.s*")), ids=lambda path: path.name)
def test_shell_scripts_are_well_formed(path):
    assert shutil.which("bash")
    subprocess.run(["bash", "-n", path], check=True)
