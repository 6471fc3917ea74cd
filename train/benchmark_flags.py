"""The flags of train.benchmark."""

from absl import flags

from darts_tf import methods, spaces
from train.peers import commands

METHOD = flags.DEFINE_enum(
    "method",
    "darts-v1",
    list(methods.METHODS),
    "The search method; of p-darts it is the first stage that is measured.",
)
SPACE = flags.DEFINE_enum(
    "space", "darts_cnn", spaces.names(searchable_only=True), "The search space."
)
NETWORK = flags.DEFINE_string(
    "network",
    None,
    "Measure a training step of the network of this cell (a genotype.json, or the name of a "
    "published cell such as DARTS_V2) instead of a search.",
)
AUXILIARY = flags.DEFINE_bool("auxiliary", True, "Give that network its auxiliary head.")
CHANNELS = flags.DEFINE_integer(
    "channels", None, "Channels of the first cell; default 16, with --network 36.", lower_bound=2
)
CELLS = flags.DEFINE_integer(
    "cells", None, "Number of cells; default 8, with --network 20.", lower_bound=3
)
BATCH_SIZE = flags.DEFINE_integer("batch_size", 16, "Images in a batch.", lower_bound=1)
IMAGE_SIZE = flags.DEFINE_integer("image_size", 32, "Height and width of an image.", lower_bound=4)
PRECISION = flags.DEFINE_enum(
    "precision",
    "float32",
    ["float32", "mixed_bfloat16", "mixed_float16"],
    "What is computed with; variables are float32 always.",
)
BATCHED = flags.DEFINE_bool(
    "batched", True, "Compute the edges that leave a state together, or one by one."
)
RECOMPUTE = flags.DEFINE_bool("recompute", False, "See train.search.")
THREADS = flags.DEFINE_integer(
    "threads", None, "CPU threads, an operation each; default: one for each core.", lower_bound=1
)
STEPS = flags.DEFINE_integer("steps", 10, "Steps to measure.", lower_bound=1)
WARMUP = flags.DEFINE_integer("warmup", 2, "Steps before them, after the first one.", lower_bound=0)
ESTIMATE = flags.DEFINE_bool(
    "estimate", False, "Estimate the memory of a search too, as --batch_size=auto does."
)
#: What is measured; the other flags say how.
CONFIGURATION = (
    *(METHOD, SPACE, NETWORK, AUXILIARY, CHANNELS, CELLS, BATCH_SIZE, IMAGE_SIZE),
    *(PRECISION, BATCHED, RECOMPUTE, THREADS, STEPS, WARMUP, ESTIMATE),
)

COMPARE = flags.DEFINE_multi_string(
    "compare", [], 'Flags that differ, such as "--batched=false"; may be given several times.'
)
RUNS = flags.DEFINE_integer("runs", 5, "How often --compare runs each of them.", lower_bound=1)
TURNS = flags.DEFINE_integer(
    "turns",
    1,
    "Above 1 the processes of a run live at the same time and measure their --steps in so many "
    "turns, so that start-up is paid once; the memory must be enough for all of them.",
    lower_bound=1,
)
TAKES_TURNS = flags.DEFINE_integer(
    "takes_turns",
    1,
    "What --turns starts a process with: it measures its --steps so many times, each time after "
    "a line on the standard input.",
    lower_bound=1,
)
GRADIENTS = flags.DEFINE_bool(
    "gradients", False, "Measure one architecture step by every hypergradient, in one process."
)
PEER = flags.DEFINE_enum("peer", None, list(commands.NAMES), "Compare with this framework too.")
PEER_PYTHON = flags.DEFINE_string(
    "peer_python", None, "The Python that has the peer's framework; default: this one."
)
PEER_LAYOUT = flags.DEFINE_enum(
    "peer_layout",
    "auto",
    ["auto", *commands.LAYOUTS],
    "The peer's memory layout; auto tries both and keeps the faster.",
)
GOALS = flags.DEFINE_bool(
    "goals", False, "Measure what this project promises about speed and memory."
)
GRID = flags.DEFINE_bool(
    "grid", False, "Measure how the cost grows with cells, channels and batch size."
)
OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Where --goals and --grid write; --grid goes on with what is there."
)
JSON = flags.DEFINE_bool("json", False, "Print all numbers as one line of JSON.")
