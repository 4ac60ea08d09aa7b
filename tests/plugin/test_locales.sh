# SPDX-License-Identifier: GPL-3.0-or-later
# Read by in_gimp.sh: the same calls under four locales make the same pixels and the same records, and
# the texts are translated.  Where the system lacks a locale it is compiled into the test's folder.
passed=0
failed=0
export LOCPATH="$TEST_FOLDER/locales"
mkdir -p "$LOCPATH"
want=

for name in C de_DE tr_TR ja_JP fi_FI; do
    if [ "$name" != C ]; then
        localedef -i "$name" -f UTF-8 "$LOCPATH/$name.UTF-8" || true
    fi
    export LC_ALL=$name.UTF-8 LANG=$name.UTF-8
    [ "$name" != C ] || unset LOCPATH
    result=$(gimp_batch "$TEST_SOURCE/one_of_each.py") || true
    export LOCPATH="$TEST_FOLDER/locales"
    sums=$(grep '^sum ' <<<"$result" || true)
    label=$(sed -n 's/^label //p' <<<"$result")
    [ "$name" != C ] || want=$sums
    case $name in
        de_DE) wanted_label='_Auswahl füllen …' ;;
        fi_FI) wanted_label='_Täytä valinta…' ;;
        *) wanted_label='I_npaint Selection…' ;;
    esac
    if [ -n "$sums" ] && [ "$sums" = "$want" ]; then
        echo "ok   ${name}_makes_the_same_pixels_and_records"
        passed=$((passed + 1))
    else
        echo "FAIL ${name}_makes_the_same_pixels_and_records: $result"
        failed=$((failed + 1))
    fi
    if [ "$label" = "$wanted_label" ]; then
        echo "ok   ${name}_has_its_texts"
        passed=$((passed + 1))
    else
        echo "FAIL ${name}_has_its_texts: '$label', want '$wanted_label'"
        failed=$((failed + 1))
    fi
done 2>/dev/null

# In the sources' words, which change.
(cd "$project" && xgettext -f po/POTFILES --from-code=UTF-8 -k_ -kN_ -kngettext_:1,2 -o "$TEST_FOLDER/texts.pot")
for name in de fi; do
    msgmerge -q --no-fuzzy-matching "$project/po/$name.po" "$TEST_FOLDER/texts.pot" -o "$TEST_FOLDER/$name.po"
    missing=$({ msgattrib --untranslated "$TEST_FOLDER/$name.po"
                msgattrib --only-fuzzy "$TEST_FOLDER/$name.po"; } | grep -c '^msgid' || true)
    if [ "$missing" -eq 0 ] && msgfmt --check-format -o "$TEST_FOLDER/$name.mo" "$project/po/$name.po"; then
        echo "ok   every_text_is_translated_into_$name"
        passed=$((passed + 1))
    else
        echo "FAIL every_text_is_translated_into_$name: $(msgattrib --untranslated "$TEST_FOLDER/$name.po" | grep -A2 '^msgid' | tail -n +4)"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed" | tee "$TEST_FOLDER/output"
