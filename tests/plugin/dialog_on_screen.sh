# SPDX-License-Identifier: GPL-3.0-or-later
# Read by in_gimp.sh: the dialog's test on GIMP's screen, with brushes to paint with.
TEST_ON_SCREEN=test_dialog.py
TEST_GIMP_OPTIONS=
. "$TEST_SOURCE/on_screen.sh"
