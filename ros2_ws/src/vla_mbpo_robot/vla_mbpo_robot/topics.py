"""Topic and service names, each written once. All are relative: the namespace is the robot instance."""

JOINT_STATES = 'joint_states'
SAFE_COMMAND = 'safe_command'
TELEOP_COMMAND = 'teleop/command'
POLICY_CHUNK = 'policy/chunk'
GATE_STATE = 'command_gate/state'
EPISODE_STATUS = 'episode/status'
SESSION_STATUS = 'session/status'
TWIN_STATE = 'twin/state'
SERIALS = 'serials'
CLOCK = '/clock'
DIAGNOSTICS = '/diagnostics'

START_EPISODE = 'episode/start'
FINISH_EPISODE = 'episode/finish'
STOP_EPISODE = 'episode/stop'
DISCARD_EPISODE = 'episode/discard'
EDIT_EPISODE = 'episode/edit'
SESSION_INPUT = 'session/input'
RESET_SCENE = 'twin/reset_scene'
ARM_GATE = 'command_gate/arm'
ENGAGE_TELEOP = 'teleop/engage'


def image(camera: str) -> str:
    """Raw pictures of a camera, rgb8."""
    return f'{camera}/color/image_raw'


def compressed_image(camera: str) -> str:
    """JPEG pictures of a camera, for previews and remote viewers."""
    return f'{camera}/color/image_raw/compressed'


def frame_metadata(camera: str) -> str:
    """Clock domain and frame number of each raw picture, sent before it."""
    return f'{camera}/color/metadata'


def camera_info(camera: str) -> str:
    """Intrinsics of a camera."""
    return f'{camera}/color/camera_info'
