"""Makes PyTorch's usual build start without NVIDIA's libraries: `standins.py FOLDER`, where it is installed.

That build is linked with 3 GB of them and calls none on a machine without a GPU, but CUDA's runtime, which
it asks whether there is one. An empty library that it brings itself stands in for each of the others, and
Python binds functions of libraries at the first call, where it otherwise wants all of them at the start. So
vLLM's CPU build runs with what a package index has: PyTorch built for CPUs alone is on none.
"""

import sys
from pathlib import Path

EMPTY = "libtorch_global_deps.so"
"""Of PyTorch: no function, no versions, so that it fits every name."""
LINKED = (
    "libcublas.so.13",
    "libcublasLt.so.13",
    "libcudnn.so.9",
    "libcufft.so.12",
    "libcufile.so.0",
    "libcupti.so.13",
    "libcurand.so.10",
    "libcusparse.so.12",
    "libcusparseLt.so.0",
    "libnccl.so.2",
    "libnvrtc.so.13",
    "libnvshmem_host.so.3",
)
"""What the libraries of PyTorch 2.13 name as needed."""
LAZILY = "import os, sys; sys.setdlopenflags(os.RTLD_LAZY)\n"


def lay(packages: Path) -> None:
    """Lays the stand-ins beside PyTorch's libraries, and the line that Python reads at its start."""
    libraries = packages / "torch" / "lib"
    if not (libraries / EMPTY).exists():
        raise SystemExit(f"{libraries} has no {EMPTY}: another PyTorch than tools/imaging/standins.py knows")
    for name in LINKED:
        link = libraries / name
        link.unlink(missing_ok=True)
        link.symlink_to(EMPTY)
    # Its part of linear algebra on GPUs, loaded when somebody first asks for it.
    (libraries / "libtorch_cuda_linalg.so").unlink(missing_ok=True)
    (packages / "munshi_binds_lazily.pth").write_text(LAZILY)


if __name__ == "__main__":
    lay(Path(sys.argv[1]))
