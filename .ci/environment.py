"""Creates the virtual environment named on the command line, or says why it cannot. Any Python 3 can run it."""

import subprocess
import sys

OLD = "this is Python {}.{}; the gateway needs 3.11 to 3.14. Name another one: make demo PYTHON=python3.12"
BARE = "this Python cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv"

if not (3, 11) <= sys.version_info[:2] <= (3, 14):
    sys.exit(OLD.format(*sys.version_info[:2]))
try:
    import ensurepip  # noqa: F401  (Debian ships it apart, and venv then fails with half an environment left behind)
    import venv  # noqa: F401
except ImportError:
    sys.exit(BARE)
sys.exit(subprocess.call([sys.executable, "-m", "venv", sys.argv[1]]))
