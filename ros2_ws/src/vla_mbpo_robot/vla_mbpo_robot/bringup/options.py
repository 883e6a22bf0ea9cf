"""Options of each job: what an operator may say when starting it, written once for launch files and command line."""

from dataclasses import dataclass
from dataclasses import field
from typing import Annotated
from typing import Literal

from vla_mbpo.config import setting
from vla_mbpo.tasks.spec import Split

LogLevel = Literal['debug', 'info', 'warn', 'error']
TeleopDevice = Literal['scripted']


@dataclass(frozen=True, kw_only=True)
class BringupOptions:
    """Options of job `bringup`: the robot (or its twin) and the command gate, nothing that records."""

    robot: Annotated[str, setting('Robot description by name or alias')]
    task: Annotated[str, setting('Task; in the twin also the scene')] = 'pick_cup'
    namespace: Annotated[str, setting('Namespace of this robot; "" takes its name')] = ''
    simulate: Annotated[bool, setting('True: the MuJoCo twin instead of hardware')] = False
    condition: Annotated[
        str, setting('Condition of the task; "" goes through the seen ones in turn')
    ] = ''
    seed: Annotated[int, setting('Scene seed of the first episode (twin)', ge=0)] = 0
    speed_factor: Annotated[
        float, setting('Simulated seconds per wall second at most (twin)', gt=0, le=100)
    ] = 1.0
    log_level: Annotated[LogLevel, setting('Least severe message that nodes log')] = 'info'


@dataclass(frozen=True, kw_only=True)
class CollectOptions(BringupOptions):
    """Options of job `collect`: record teleoperated episodes of one task."""

    task: Annotated[str, setting('Task that is demonstrated')] = field()  # required here
    dataset_dir: Annotated[
        str, setting('Folder of the dataset; "" takes ./datasets/<robot>_<task>')
    ] = ''
    episodes: Annotated[
        int,
        setting('Labelled episodes wanted in the dataset; 0 takes the number the task wants', ge=0),
    ] = 0
    split: Annotated[Split, setting('Split whose conditions are collected and counted')] = 'seen'
    attended: Annotated[
        bool,
        setting(
            'True: a person starts, stops and labels; always so at a robot, optional in the twin'
        ),
    ] = False
    countdown_s: Annotated[
        float, setting('Countdown of an attended session', unit='s', ge=0, le=30)
    ] = 3.0
    pedal: Annotated[str, setting('Foot pedal: name or path of an input device')] = ''
    sound_command: Annotated[
        str, setting('Command per sound, such as `paplay {cue}.oga`; "" rings the bell')
    ] = ''
    operator: Annotated[str, setting('Who teleoperates')] = ''
    record_black_box: Annotated[
        bool, setting('Keep all messages of each episode in an MCAP file beside the dataset')
    ] = False
    black_box_images: Annotated[bool, setting('The same with the pictures too, as JPEG')] = False
    device: Annotated[TeleopDevice, setting('Leader device; scripted: expert in the twin')] = (
        'scripted'
    )
