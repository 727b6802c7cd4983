"""What a password hash costs, by its parameters and by the threads that compute it: `python -m benchmarks.hashing`.

Each figure comes from a process of its own, as the allocator remembers; the processes take turns, three times each.
"""

import os
import resource
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from argon2 import PasswordHasher

PROCESSORS = os.cpu_count() or 1
#: KiB, passes, lanes.
PARAMETERS = {
    "19 MiB, 2 passes, 1 lane": (19_456, 2, 1),
    "46 MiB, 1 pass, 1 lane": (47_104, 1, 1),
    "64 MiB, 3 passes, 4 lanes (argon2-cffi's own)": (65_536, 3, 4),
}
#: How a server of 64 threads computes hashes: in threads kept for it, or in each of its own behind a gate.
WAYS = ("kept threads", "a gate")
#: What has glibc keep every block, whoever asked for it.
KEEPING = {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "1000000000", "MALLOC_MMAP_THRESHOLD_": "1000000000"}
HASHES, THREADS, ROUNDS = 64, 64, 3


def main() -> None:
    """Print the table."""
    rows = [(name, way, {}) for name in PARAMETERS for way in WAYS]
    rows += [(name, WAYS[0], KEEPING) for name in list(PARAMETERS)[:2]]
    found: dict[int, list[list[float]]] = {number: [] for number in range(len(rows))}
    for _ in range(ROUNDS):
        for number, (name, way, environment) in enumerate(rows):
            said = subprocess.run(  # noqa: S603 (ourselves, once more)
                [sys.executable, "-m", "benchmarks.hashing", name, way],
                env={**os.environ, **environment},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            found[number].append([float(word) for word in said.split()])
    print("| parameters | computed in | hashes a second | ms of processor each | of it the kernel's | peak MiB |")
    print("|---|---|---|---|---|---|")
    for number, (name, way, environment) in enumerate(rows):
        a_second, processor, kernel, peak = (median(column) for column in zip(*found[number], strict=True))
        where = way + (", MALLOC_… set" if environment else "")
        print(f"| {name} | {where} | {a_second:.0f} | {processor:.0f} | {kernel:.1f} | {peak:.0f} |")


def measure(name: str, way: str) -> None:
    """Verify passwords in many threads at once and print what it took."""
    memory, passes, lanes = PARAMETERS[name]
    hasher = PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=lanes)
    known = hasher.hash("girafe violette")
    gate, kept = threading.Semaphore(PROCESSORS), ThreadPoolExecutor(PROCESSORS)

    def verify_some() -> None:
        for _ in range(HASHES // THREADS):
            if way == WAYS[0]:
                kept.submit(hasher.verify, known, "girafe violette").result()
            else:
                with gate:
                    hasher.verify(known, "girafe violette")

    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    threads = [threading.Thread(target=verify_some) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    kernel = after.ru_stime - before.ru_stime
    processor = after.ru_utime - before.ru_utime + kernel
    print(HASHES / seconds, processor * 1000 / HASHES, kernel * 1000 / HASHES, after.ru_maxrss / 1024)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(*sys.argv[1:])
    else:
        main()
