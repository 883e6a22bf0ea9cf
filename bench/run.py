"""Run every benchmark of this folder in order and print what they measured.

Use: `make bench`, or `.venv/bin/python bench/run.py NAME...` for some of them. Exits 1 when one of them failed.
"""

import os
import platform
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def cpu_model() -> str:
    """Name of the processor, as Linux reports it."""
    for line in Path('/proc/cpuinfo').read_text().splitlines():
        if line.startswith('model name'):
            return line.partition(':')[2].strip()
    return platform.machine()


def programs(names: list[str]) -> list[Path]:
    """The benchmark files of `names`, all of them when it is empty, in alphabetical order."""
    found = sorted(file for file in FOLDER.glob('[!_]*.py') if file != Path(__file__).resolve())
    unknown = set(names) - {file.stem for file in found}
    if unknown:
        available = ', '.join(file.stem for file in found)
        message = f'bench: no benchmark {", ".join(sorted(unknown))}; available: {available}'
        print(message, file=sys.stderr)
        sys.exit(2)
    return [file for file in found if not names or file.stem in names]


def run(program: Path) -> bool:
    """Run one benchmark in its own process; its output goes straight to ours."""
    print(f'\n== {program.stem}', flush=True)
    started_s = time.monotonic()
    code = subprocess.run([sys.executable, str(program)], check=False).returncode
    print(
        f'-- {program.stem}: exit code {code} after {time.monotonic() - started_s:.0f} s',
        flush=True,
    )
    return code == 0


def main() -> None:
    """Print the machine, run the benchmarks, name those that failed."""
    usable = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    print(
        f'machine: {usable} cores, {cpu_model()}, load {load:.1f}, Python {platform.python_version()}'
    )
    failed = [program.stem for program in programs(sys.argv[1:]) if not run(program)]
    if failed:
        sys.exit(f'bench: failed: {", ".join(failed)}')


if __name__ == '__main__':
    main()
