# SPDX-License-Identifier: GPL-3.0-or-later
# Read by in_gimp.sh: two GIMPs of one user run the plug-in at the same time, with one cache; both make
# what one alone makes.
alone=$(gimp_batch "$TEST_SOURCE/one_of_each.py" | grep '^sum')
rm -rf "$XDG_CACHE_HOME/gimp-diffusion"
cp -r "$GIMP3_DIRECTORY" "$TEST_FOLDER/second"
sed -i "s|$GIMP3_DIRECTORY|$TEST_FOLDER/second|g" "$TEST_FOLDER/second/gimprc"
(
    export GIMP3_DIRECTORY="$TEST_FOLDER/second"
    gimp_batch "$TEST_SOURCE/one_of_each.py" >"$TEST_FOLDER/second.out"
) &
other=$!
gimp_batch "$TEST_SOURCE/one_of_each.py" >"$TEST_FOLDER/first.out" || true
wait "$other" || true

passed=0
failed=0
for name in first second; do
    if [ -n "$alone" ] && [ "$(grep '^sum' "$TEST_FOLDER/$name.out")" = "$alone" ]; then
        echo "ok   the_${name}_of_two_at_once_makes_the_same"
        passed=$((passed + 1))
    else
        echo "FAIL the_${name}_of_two_at_once_makes_the_same: $(cat "$TEST_FOLDER/$name.out")"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed" | tee "$TEST_FOLDER/output"
