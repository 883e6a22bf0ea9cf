"""Speed of the twin: pictures, physics, scripted expert, episodes without ROS.

Targets on 2 CPU cores without a GPU: 100 three-view sets per second at 64 x 64 and 20 at 224 x 224; less than 6 ms of
CPU per action of the expert.
"""

import argparse
import os
import platform
import time
from collections.abc import Callable
from functools import partial

from vla_mbpo.robots import load_robot
from vla_mbpo.tasks import load_task
from vla_mbpo_sim.collect import collect
from vla_mbpo_sim.experts import make_expert
from vla_mbpo_sim.gl import use_offscreen_gl
from vla_mbpo_sim.trajectory import NO_PICTURES
from vla_mbpo_sim.trajectory import Pictures
from vla_mbpo_sim.twin import Twin

SIZES = ((64, 64), (128, 128), (224, 224), (640, 480))
PHYSICS_S = 20.0
"""Simulated time of the physics measurement."""


def main() -> None:
    """Measure and print, one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--robot', default='arx_x5', help='robot name')
    parser.add_argument('--seconds', type=float, default=2.0, help='wall time per picture size')
    parser.add_argument('--episodes', type=int, default=10, help='episodes per measurement')
    options = parser.parse_args()
    robot, task = load_robot(options.robot), load_task('pick_cup')
    backend = use_offscreen_gl()
    print(f'{robot.name}, {platform.machine()}, {os.cpu_count()} cores, MUJOCO_GL={backend}')
    twin = Twin(robot, task)
    twin.reset(0, task.conditions[0].name)
    for size in SIZES:
        rate, cpu_ms = measure(partial(draw, twin, size), options.seconds)
        print(
            f'three views {size[0]:>3} x {size[1]:<3}  {rate:8.1f} sets/s  {cpu_ms:7.2f} CPU-ms/set'
        )
    steps = PHYSICS_S * robot.file.servo_rate_hz
    start = time.process_time()
    twin.advance(PHYSICS_S)
    print(f'physics steps            {steps / (time.process_time() - start):8.0f} /CPU-s')
    measure_expert(twin)
    twin.close()
    cameras = Pictures(cameras=robot.camera_names, size=(64, 64))
    for label, pictures in (('without pictures', NO_PICTURES), ('with 3 x 64 x 64', cameras)):
        start = time.perf_counter()
        done = [
            e.succeeded for e in collect(robot, task, episodes=options.episodes, pictures=pictures)
        ]
        minutes = (time.perf_counter() - start) / 60
        print(
            f'episodes {label}  {len(done) / minutes:6.0f} /min  ({sum(done)}/{len(done)} succeeded)'
        )


def draw(twin: Twin, size: tuple[int, int]) -> None:
    """One picture of each camera."""
    for camera in twin.robot.camera_names:
        twin.render(camera, size)


def measure(work: Callable[[], None], seconds: float) -> tuple[float, float]:
    """Calls per second of wall time, and CPU milliseconds of all threads per call."""
    work()
    count, start, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - start < seconds:
        work()
        count += 1
    return count / (time.perf_counter() - start), (time.process_time() - cpu) / count * 1e3


def measure_expert(twin: Twin) -> None:
    """CPU time of planning and of one action, away from physics."""
    expert = make_expert(twin.robot, twin.task.name, 0)
    twin.reset(0, twin.task.conditions[0].name)
    state, objects = twin.state(), twin.objects()
    plans, actions = 10, 1000
    start = time.process_time()
    for _ in range(plans):
        expert.reset(state, objects, 0.0)
    plan_ms = (time.process_time() - start) / plans * 1e3
    start = time.process_time()
    for action in range(actions):
        expert.act(state, action * 1e-6)
    act_ms = (time.process_time() - start) / actions * 1e3
    print(f'expert                   {plan_ms:8.1f} CPU-ms/plan  {act_ms:.3f} CPU-ms/action')


if __name__ == '__main__':
    main()
