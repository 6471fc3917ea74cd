import pytest

from tests.train.programs import start_all

# A flag of each file that a program takes flags from.
FLAGS = {
    "search": ["method", "dataset", "distribute", "candidates", "output_dir"],
    "evaluate": ["genotype", "dataset", "output_dir"],
    "select": ["run_dir", "selection", "selection_batches"],
    "tune": ["tuner", "dataset", "output_dir"],
    "export": ["run_dir", "output_dir", "format", "quantize"],
    "serve": ["model_dir", "port"],
    "verify": ["only"],
    "latency": ["output", "dataset", "space"],
    "benchmark": ["method", "turns", "peer"],
    "forecast_baselines": ["dataset", "genotype", "period"],
}


@pytest.mark.parametrize("program", FLAGS)
def test_the_help_names_the_flags(program):
    done = start_all(f"train.{program}", {"help": ["--help"]})["help"]
    assert done.returncode == 0
    lines = [line for line in done.stdout.splitlines() if line.startswith("  --")]
    flags = [line.partition(":")[0].strip() for line in lines]
    missing = [name for name in FLAGS[program] if f"--{name}" not in flags]
    assert not missing, done.stdout
