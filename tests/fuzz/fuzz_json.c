/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a small JSON file: refused with a sentence, or a tree that can be walked. */
#include "fuzz.h"

#include "files/json.h"

#include <stdlib.h>
#include <string.h>

static void walk(const Json *item)
{
    for (; item; item = json_next(item)) {
        int64_t integer;
        double  number;
        bool    truth;
        if (json_string(item) && strlen(json_string(item)) > (size_t)-2)
            abort();
        json_integer(item, &integer);
        json_number(item, &number);
        json_bool(item, &truth);
        if (json_is_object(item) || json_is_array(item))
            walk(json_first(item));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    EngineError error = { ENGINE_OK, "" };
    Json       *json = json_parse("fuzz", size ? (const char *)bytes : "", size, &error);
    if ((json != NULL) != (error.status == ENGINE_OK))
        abort();
    walk(json);
    json_free(json);
    return 0;
}
