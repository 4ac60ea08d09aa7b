#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# ui_demo on a screen: every panel, a run that pretends and its result, with a GTK warning as a failure; pictures go to
# out/screenshots, or to $TEST_SCREENSHOTS.
set -uo pipefail
demo=$1
folder=${TEST_SCREENSHOTS:-$(cd "$(dirname "$0")/../.." && pwd -P)/out/screenshots}
mkdir -p "$folder"
passed=0
failed=0
for look in dark light; do
    picture=$folder/ui-demo-$look.png
    rm -f "$picture"
    if G_DEBUG=fatal-warnings "$demo" "--$look" --picture "$picture" --seconds 3 && [ -s "$picture" ]; then
        echo "ok   ui_demo_shows_every_panel_in_$look"
        passed=$((passed + 1))
    else
        echo "FAIL ui_demo_shows_every_panel_in_$look"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
