# SPDX-License-Identifier: GPL-3.0-or-later
# Read by in_gimp.sh: the window as README shows it, on a screen of its own.
TEST_ON_SCREEN=../demo/pictures.py
. "$TEST_SOURCE/on_screen.sh"
