# SPDX-License-Identifier: GPL-3.0-or-later
# Read by in_gimp.sh: the dialogs as they look in GIMP's dark and light colours, at 200 %, and in German; pictures of
# all states go to out/screenshots.
passed=0
failed=0
export LOCPATH="$TEST_FOLDER/locales"
mkdir -p "$LOCPATH"
localedef -i de_DE -f UTF-8 "$LOCPATH/de_DE.UTF-8" 2>/dev/null || true
cp "$GIMP3_DIRECTORY/gimprc" "$TEST_FOLDER/gimprc"

for look in dark light scaled german; do
    (
        export TEST_LOOK=$look TEST_ON_SCREEN=test_looks.py
        cp "$TEST_FOLDER/gimprc" "$GIMP3_DIRECTORY/gimprc"
        rm -rf "$XDG_CONFIG_HOME" "$TEST_FOLDER"/*.png
        unset LOCPATH
        case $look in
            dark) echo '(theme-color-scheme dark)' >>"$GIMP3_DIRECTORY/gimprc" ;;
            light) echo '(theme-color-scheme light)' >>"$GIMP3_DIRECTORY/gimprc" ;;
            scaled) export GDK_SCALE=2 TEST_SCREEN=2732x1536 ;;
            german) export LOCPATH="$TEST_FOLDER/locales" LC_ALL=de_DE.UTF-8 LANG=de_DE.UTF-8 ;;
        esac
        . "$TEST_SOURCE/on_screen.sh"
    )
    count=$(grep -a '^[0-9]* passed' "$TEST_FOLDER/output" | tail -n 1)
    passed=$((passed + ${count%% *}))
    count=${count#*, }
    failed=$((failed + ${count%% *}))
done
echo "$passed passed, $failed failed" | tee "$TEST_FOLDER/output"
