/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "files/json.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Parses an exact-size copy, so that a read past the end is seen. */
static Json *parse(const char *text, EngineError *error)
{
    size_t size = strlen(text);
    char  *exact = malloc(size ? size : 1);
    memcpy(exact, text, size);
    Json *json = json_parse("test", exact, size, error);
    free(exact);
    return json;
}

static void accepts_what_config_files_hold(void)
{
    EngineError error = { 0 };
    Json       *json = parse(" {\"a\": [1, 2.5, true, null], \"b\": {\"c\": \"\\u00e4\"}} \n", &error);
    if (!CHECK(json != NULL)) {
        printf("     %s\n", error.message);
        return;
    }
    const Json *inner = json_member(json_member(json, "b"), "c");
    CHECK_STRING(json_string(inner), "ä");
    CHECK(json_member(json, "A") == NULL);
    CHECK(json_member(NULL, "a") == NULL && json_string(NULL) == NULL);
    CHECK(json_is_object(json) && !json_is_object(inner));
    json_free(json);
    json_free(NULL);
}

static void refuses(const char *text)
{
    EngineError error = { 0 };
    Json       *json = parse(text, &error);
    if (!CHECK(json == NULL))
        printf("     accepted: %.40s\n", text);
    CHECK(json || (error.status == ENGINE_BAD_FILE && strstr(error.message, "test")));
    json_free(json);
}

static void refuses_what_cjson_lets_pass(void)
{
    refuses("");
    refuses("{");
    refuses("{} x");
    refuses("{}{}");
    refuses("{\"a\": 1, \"a\": 2}");
    refuses("{\"a\": 1, \"\\u0061\": 2}");
    refuses("{\"a\": 01}");
    refuses("{\"a\": +1}");
    refuses("{\"a\": NaN}");
    refuses("{\"a\": 1,}");
    refuses("{\"a\": \"\\ud800\"}");
    refuses("{\"a\": \"\\u0000\"}");
    refuses("{\"a\": \"\xff\"}");
    refuses("{\"a\": \"\xc0\xaf\"}");
    refuses("{'a': 1}");
    refuses("// c\n{}");
}

static void depth_is_bounded_without_recursion(void)
{
    enum { DEPTH = 100000 };
    char *text = malloc(DEPTH + 1);
    memset(text, '[', DEPTH);
    text[DEPTH] = '\0';
    refuses(text);
    free(text);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(accepts_what_config_files_hold);
    RUN(refuses_what_cjson_lets_pass);
    RUN(depth_is_bounded_without_recursion);
    return test_end();
}
