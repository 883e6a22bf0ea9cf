"""Parameters of every node, as dataclasses: name, unit, range and help are written here once.

`params.declare` turns one into declared ROS parameters; bring-up fills in what differs between robots.
"""

from dataclasses import dataclass
from typing import Annotated

from vla_mbpo.config import setting
from vla_mbpo.tasks.spec import Split


@dataclass(frozen=True, kw_only=True)
class TwinSettings:
    """Process that hosts the simulated robot, its cameras and the clock."""

    robot: Annotated[str, setting('Robot description by name')] = 'arx_x5'
    task: Annotated[str, setting('Task whose scene is simulated')] = 'pick_cup'
    condition: Annotated[str, setting('Condition at start; "" takes the first seen one')] = ''
    seed: Annotated[int, setting('Scene seed at start', ge=0)] = 0
    speed_factor: Annotated[
        float, setting('Simulated seconds per wall second at most', gt=0, le=100)
    ] = 1.0
    state_rate_hz: Annotated[
        float, setting('Rate of joint_states and /clock', unit='Hz', ge=10, le=500)
    ] = 100.0
    camera_rate_hz: Annotated[
        float, setting('Camera rate; 0 takes the description', unit='Hz', ge=0, le=120)
    ] = 0.0


@dataclass(frozen=True, kw_only=True)
class RobotDriverSettings:
    """Node that owns a robot's hardware."""

    robot: Annotated[str, setting('Robot description by name')] = 'arx_x5'
    driver: Annotated[str, setting('Backend of the driver table')] = ''
    state_rate_hz: Annotated[float, setting('Rate of joint_states', unit='Hz', ge=10, le=500)] = (
        100.0
    )


@dataclass(frozen=True, kw_only=True)
class CameraSettings:
    """Node that owns one camera."""

    robot: Annotated[str, setting('Robot description by name')] = 'arx_x5'
    camera: Annotated[str, setting('Camera of the description: head, left_wrist, ...')] = 'head'
    driver: Annotated[str, setting('Backend of the driver table')] = ''
    serial: Annotated[str, setting('Serial number of the device')] = ''


@dataclass(frozen=True, kw_only=True)
class TeleopSettings:
    """Node that turns a leader device (or the scripted expert) into requested commands."""

    robot: Annotated[str, setting('Robot description by name')] = 'arx_x5'
    task: Annotated[str, setting('Task that the scripted expert solves')] = 'pick_cup'
    device: Annotated[str, setting('Leader device of the teleoperator table')] = 'scripted'
    seed: Annotated[int, setting('Seed of the scripted expert', ge=0)] = 0


@dataclass(frozen=True, kw_only=True)
class CommandGateSettings:
    """The only publisher of `safe_command`."""

    robot: Annotated[str, setting('Robot description by name')] = 'arx_x5'
    state_timeout_s: Annotated[
        float, setting('Oldest joint state that is trusted', unit='s', gt=0, le=5)
    ] = 0.1
    request_timeout_s: Annotated[
        float, setting('Oldest request that is followed', unit='s', gt=0, le=5)
    ] = 0.25
    start_tolerance: Annotated[
        float, setting('Greatest jump before soft start (or fault)', unit='rad or m', gt=0)
    ] = 0.3
    soft_start_rate: Annotated[
        float, setting('Speed of the soft start', unit='rad/s or m/s', gt=0)
    ] = 0.5
    limit_margin: Annotated[
        float, setting('Distance kept from position limits', unit='rad', ge=0, le=0.5)
    ] = 0.0


@dataclass(frozen=True, kw_only=True)
class EpisodeRecorderSettings:
    """Node that pairs all streams and writes episodes."""

    robot: Annotated[str, setting('Robot description by name')] = 'arx_x5'
    dataset_dir: Annotated[str, setting('Folder of the dataset')] = ''
    camera_budget_s: Annotated[
        float,
        setting('Greatest skew; 0 takes half a frame period of the camera', unit='s', ge=0, le=1),
    ] = 0.0
    state_budget_s: Annotated[
        float, setting('Greatest gap between joint states', unit='s', gt=0, le=1)
    ] = 0.05
    clock_budget_s: Annotated[
        float,
        setting('Stamps further in the future, or set back by more, are left out', unit='s', gt=0),
    ] = 0.03
    min_free_gib: Annotated[
        float, setting('Disk space below which no episode starts', unit='GiB', ge=0)
    ] = 1.0
    simulated: Annotated[bool, setting('True where the twin is the robot')] = False


@dataclass(frozen=True, kw_only=True)
class BlackBoxSettings:
    """Node that keeps the messages of each episode as they came."""

    robot: Annotated[str, setting('Robot description by name')] = 'arx_x5'
    dataset_dir: Annotated[str, setting('Folder of the dataset')] = ''
    images: Annotated[bool, setting('True: the pictures too, as JPEG')] = False


@dataclass(frozen=True, kw_only=True)
class SessionSettings:
    """Node that counts episodes and starts and ends them."""

    robot: Annotated[str, setting('Robot description by name')] = 'arx_x5'
    task: Annotated[str, setting('Task that is demonstrated')] = 'pick_cup'
    dataset_dir: Annotated[str, setting('Folder of the dataset, whose episodes count')] = ''
    episodes: Annotated[
        int,
        setting('Labelled episodes wanted in the dataset; 0 takes the number the task wants', ge=0),
    ] = 0
    split: Annotated[Split, setting('Split whose conditions are collected and counted')] = 'seen'
    condition: Annotated[str, setting('One condition; "" goes through those of the split')] = ''
    operator: Annotated[str, setting('Who teleoperates')] = ''
    seed: Annotated[
        int, setting('Lowest scene seed; seeds of saved episodes are not used again (twin)', ge=0)
    ] = 0
    simulated: Annotated[bool, setting('True: reset the twin')] = False
    attended: Annotated[
        bool, setting('True: a person starts, stops and labels, also in the twin')
    ] = False
    settle_s: Annotated[
        float, setting('Rest between reset and recording', unit='s', ge=0, le=60)
    ] = 0.5
    tail_s: Annotated[float, setting('Recording kept after success', unit='s', ge=0, le=60)] = 0.4
    countdown_s: Annotated[
        float, setting('Countdown of an attended session', unit='s (wall)', ge=0, le=30)
    ] = 3.0
    keep_failures: Annotated[
        bool, setting('Unattended: save episodes that failed instead of discarding them')
    ] = False
    max_attempts: Annotated[
        int,
        setting('Unattended: attempts per wanted episode before the session ends', ge=1, le=100),
    ] = 5
    ready_timeout_s: Annotated[
        float, setting('Longest wait for other nodes', unit='s (wall)', gt=0)
    ] = 30.0
    state_rate_hz: Annotated[
        float, setting('Rate that joint_states should have', unit='Hz', ge=1, le=500)
    ] = 100.0
    pedal: Annotated[str, setting('Foot pedal: name or path of an input device')] = ''
    pedal_keys: Annotated[str, setting('What the keys of the pedal mean')] = (
        'KEY_A=toggle KEY_B=success KEY_C=discard'
    )
    sound_command: Annotated[
        str, setting('Command per sound, such as `paplay {cue}.oga`; "" rings the bell')
    ] = ''
    details: Annotated[
        bool, setting('True: print what a launcher shows on its screen, twice a second')
    ] = False


SETTINGS: dict[str, type] = {
    'twin': TwinSettings,
    'robot_driver': RobotDriverSettings,
    'camera': CameraSettings,
    'teleop': TeleopSettings,
    'command_gate': CommandGateSettings,
    'episode_recorder': EpisodeRecorderSettings,
    'black_box': BlackBoxSettings,
    'session': SessionSettings,
}
