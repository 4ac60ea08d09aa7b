# SPDX-License-Identifier: GPL-3.0-or-later
"""within.py SECONDS MEGABYTES COMMAND…: fails when the command takes more."""
import resource
import subprocess
import sys
import time

begin = time.monotonic()
subprocess.run(sys.argv[3:], stdout=subprocess.DEVNULL, check=False)
seconds = time.monotonic() - begin
megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
print(f'{seconds:.1f} s, {megabytes:.0f} MB')
sys.exit(seconds > float(sys.argv[1]) or megabytes > float(sys.argv[2]))
