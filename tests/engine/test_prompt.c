/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test.h"
#include "text/prompt.h"
#include "base/prompt_schedule.h"
#include "text/prompt_weights.h"
#include "text_help.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Prompt parse(const char *text, int steps, int pad)
{
    EngineError error = { 0 };
    Tokenizer  *tokenizer = tokenizer_create(&error);
    Prompt      prompt;
    CHECK(prompt_parse(&prompt, tokenizer, text, steps, pad, &error));
    CHECK_STRING(error.message, "");
    tokenizer_destroy(tokenizer);
    return prompt;
}

/* "text|weight text|weight …", BREAK as <break>, to compare with. */
static void check_weights(const char *text, const char *want)
{
    WeightedText weighted = { 0 };
    char         got[1024] = "", *at = got, *copy = exact_copy(text, strlen(text));
    CHECK(weighted_text_parse(&weighted, copy, strlen(text)));
    for (size_t i = 0; i < weighted.count; i++) {
        const WeightedSpan *span = &weighted.spans[i];
        at += sprintf(at, "%s%.*s|%.4g", i ? " " : "",
                      span->is_break ? 7 : (int)(span->end - span->begin),
                      span->is_break ? "<break>" : weighted.text + span->begin, span->weight);
    }
    CHECK_STRING(got, want);
    weighted_text_clear(&weighted);
    free(copy);
}

/* "end:text end:text …" */
static void check_schedule(const char *text, int steps, const char *want)
{
    PromptSchedule schedule = { 0 };
    char           got[1024] = "", out[256], *at = got, *copy = exact_copy(text, strlen(text));
    CHECK(prompt_schedule_parse(&schedule, copy, strlen(text), steps));
    for (int i = 0; i < schedule.end_count; i++) {
        size_t bytes = prompt_schedule_text(&schedule, schedule.ends[i], out);
        at += sprintf(at, "%s%d:%.*s", i ? " " : "", schedule.ends[i], (int)bytes, out);
    }
    CHECK_STRING(got, want);
    prompt_schedule_clear(&schedule);
    free(copy);
}

static void brackets_weigh_as_they_do_in_a1111(void)
{
    check_weights("normal text", "normal text|1");
    check_weights("an (important) word", "an |1 important|1.1  word|1");
    check_weights("(unbalanced", "unbalanced|1.1");
    check_weights("\\(literal\\]", "(literal]|1");
    check_weights("(unnecessary)(parens)", "unnecessaryparens|1.1");
    check_weights("a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
                  "a |1 house|1.573  |1.1 on|1  a |1.1 hill|0.55 , sun, |1.1 sky|1.464 .|1.1");
    check_weights("(a:-1)(b: .5 )", "a|-1 b|0.5");
    check_weights("(a:\xd9\xa1.\xd9\xa5)", "a|1.5"); /* Arabic digits */
    check_weights("(a [b) c]", "a |1.1 b|1  c|0.9091");
    check_weights("", "|1");
}

static void what_is_no_weight_is_text(void)
{
    check_weights("(a:)", "a:|1.1");
    check_weights("(a:.)", "a:.|1.1");
    check_weights("(a:1.2.3)", "a:1.2.3|1.1");
    check_weights("(a:1,2)", "a:1,2|1.1");
    check_weights("(a:1e9)", "a:1e9|1.1");
    check_weights("(a:nan)(b:inf)", "a:nanb:inf|1.1");
    check_weights("a:1.2)", "a:1.2)|1");
    check_weights("a)b]c", "a)b]c|1");
    check_weights("()", "|1");
    check_weights("a\\b\\", "ab|1");
}

static void weights_stay_finite(void)
{
    check_weights("(a:99999999999999999999999999999999999999999999999999999999999999999999999999)",
                  "a|1e+04");
    check_weights("(((a:999999999):999999999):-999999999)", "a|-1e+04");
    check_weights("((a:1000000):0.000001)", "a|1");
    char *text = repeated("(", 999);
    text = realloc(text, 1001);
    memcpy(text + 999, "a", 2);
    check_weights(text, "a|1e+04");
    memset(text, '[', 999);
    WeightedText weighted = { 0 };
    CHECK(weighted_text_parse(&weighted, text, 1000));
    CHECK(weighted.spans[0].weight > 0 && weighted.spans[0].weight < 1e-5);
    weighted_text_clear(&weighted);
    free(text);
}

static void break_is_a_word_of_its_own(void)
{
    check_weights("a BREAK b", "a|1 <break>|-1 b|1");
    check_weights("aBREAK BREAKb _BREAK \xc3\xa9"
                  "BREAK",
                  "aBREAK BREAKb _BREAK \xc3\xa9"
                  "BREAK|1");
    check_weights("(a BREAK b:1.2)", "a|1.2 <break>|-1 b|1.2");
    check_weights("[a BREAK b", "a|0.9091 <break>|-1 b|0.9091");
    Prompt prompt = parse("a BREAK b BREAK", 1, TOKEN_END);
    CHECK_INT(prompt.parts[0].count, 2);
    CHECK_INT((long long)prompt.parts[0].token_count, 2);
    CHECK_INT(prompt.parts[0].chunks[0].tokens[1], 320);
    CHECK_INT(prompt.parts[0].chunks[1].tokens[1], 321);
    prompt_clear(&prompt);
}

static void and_is_found_as_a_word(void)
{
    static const char *const with[] = { "a AND b", "AND", "a\nAND:b", "(AND)", "a,AND,b" };
    static const char *const without[] = { "", "and", "a AN D", "GRAND", "ANDES", "a_AND", "AND1",
                                           "äAND" };
    for (size_t i = 0; i < sizeof with / sizeof *with; i++)
        CHECK(prompt_has_and(with[i]));
    for (size_t i = 0; i < sizeof without / sizeof *without; i++)
        CHECK(!prompt_has_and(without[i]));
}

static void prompts_change_as_they_do_in_a1111(void)
{
    check_schedule("test", 10, "10:test");
    check_schedule("a [b:3]", 10, "3:a  10:a b");
    check_schedule("a [b: 3 ]", 10, "3:a  10:a b");
    check_schedule("a [[[b]]:2]", 10, "2:a  10:a [[b]]");
    check_schedule("[(a:2):3]", 10, "3: 10:(a:2)");
    check_schedule("a [b : c : 1] d", 10, "1:a b  d 10:a  c  d");
    check_schedule("a[b:[c:d:2]:1]e", 10, "1:abe 2:ace 10:ade");
    check_schedule("a [b:.5] c", 10, "5:a  c 10:a b c");
    check_schedule("a [b::1.0]", 4, "4:a b");
    check_schedule("[a:b:0][c:d:-1][e:f:99]", 4, "4:bde");
    check_schedule("((a][:b:c [d:3]", 10, "3:((a][:b:c  10:((a][:b:c d");
    check_schedule("[a|(b:1.1)]", 4, "1:a 2:(b:1.1) 3:a 4:(b:1.1)");
    check_schedule("[fe|||]male", 5, "1:female 2:male 3:male 4:male 5:female");
}

static void what_changes_nothing_is_text(void)
{
    check_schedule("a [unbalanced", 10, "10:a [unbalanced");
    check_schedule("[a:b:c]", 10, "10:[a:b:c]");
    check_schedule("[a:b:c:3]", 10, "10:[a:b:c:3]");
    check_schedule("[a:3 b]", 10, "10:[a:3 b]");
    check_schedule("[a:1,5]", 10, "10:[a:1,5]");
    check_schedule("[a:b:3", 10, "10:[a:b:3");
    check_schedule("[x [b:c] y:3]", 10, "10:[x [b:c] y:3]");
    check_schedule("a|b [c:3]", 10, "10:a|b [c:3]");
    check_schedule("[c:3] \\", 10, "10:[c:3] \\");
    check_schedule("\\[c:3]", 10, "10:\\[c:3]");
}

static void a_step_has_the_part_that_a1111_gives_it(void)
{
    Prompt prompt = parse("[a:b:2]", 5, TOKEN_END);
    CHECK_INT(prompt.count, 2);
    for (int step = 0; step < 5; step++)
        CHECK_INT(prompt_at_step(&prompt, step)->chunks[0].tokens[1], step <= 2 ? 320 : 321);
    prompt_clear(&prompt);
    prompt = parse("[a|b]", 5, TOKEN_END);
    for (int step = 0; step < 5; step++)
        CHECK_INT(prompt_at_step(&prompt, step)->chunks[0].tokens[1],
                  step < 2 || step == 3 ? 320 : 321);
    CHECK_INT(prompt.parts[2].same_as, 0);
    CHECK(prompt.parts[2].chunks == prompt.parts[0].chunks);
    prompt_clear(&prompt);
}

static void parts_have_equally_many_chunks(void)
{
    char text[1200] = "[";
    for (int i = 0; i < 100; i++)
        strcat(text, "cat ");
    strcat(text, ":dog:1]");
    Prompt prompt = parse(text, 5, 0);
    CHECK_INT(prompt.count, 2);
    CHECK_INT(prompt.parts[1].count, 2);
    CHECK_INT(prompt.parts[1].chunks[1].tokens[1], TOKEN_END);
    CHECK_INT(prompt.parts[1].chunks[1].tokens[2], 0); /* OpenCLIP's padding */
    prompt_clear(&prompt);
}

static void a_full_chunk_is_cut_at_a_near_comma(void)
{
    for (int comma = 50; comma < 75; comma++) { /* where it stands in the first chunk */
        char text[1200] = "";
        for (int i = 0; i < 80; i++)
            strcat(text, i == comma ? ", " : "cat ");
        Prompt             prompt = parse(text, 1, TOKEN_END);
        const PromptChunk *chunks = prompt.parts[0].chunks;
        int                first = comma >= 55 ? comma + 1 : 75;
        CHECK_INT(prompt.parts[0].count, 2);
        CHECK_INT((long long)prompt.parts[0].token_count, 80);
        CHECK_INT(chunks[0].tokens[first], first == comma + 1 ? 267 : 2368);
        CHECK_INT(chunks[0].tokens[first + 1], TOKEN_END);
        CHECK_INT(chunks[1].tokens[80 - first], 2368);
        CHECK_INT(chunks[1].tokens[81 - first], TOKEN_END);
        prompt_clear(&prompt);
    }
}

static void nothing_is_one_empty_chunk(void)
{
    static const char *const blank[] = { "", " \n\t", "((([", "()", "[|]", "\\" };
    for (size_t i = 0; i < sizeof blank / sizeof *blank; i++) {
        Prompt prompt = parse(blank[i], 20, TOKEN_END);
        CHECK_INT(prompt.count, 1);
        CHECK_INT(prompt.parts[0].count, 1);
        CHECK_INT((long long)prompt.parts[0].token_count, 0);
        CHECK_INT(prompt.parts[0].until_step, 20);
        CHECK_INT(prompt.parts[0].chunks[0].tokens[0], TOKEN_START);
        CHECK_INT(prompt.parts[0].chunks[0].tokens[1], TOKEN_END);
        prompt_clear(&prompt);
    }
}

/* One prompt of the golden file; returns how many of its steps are wrong. */
static int wrong_steps(const Prompt *prompt, int steps, const uint8_t *tokens, const float *weights,
                       const int32_t *chunks, const int32_t *ends, int32_t first)
{
    int wrong = 0;
    for (int step = 0; step < steps; step++) {
        const PromptPart *part = prompt_at_step(prompt, step);
        int32_t           begin = step ? ends[step - 1] : first;
        bool              ok = part->count == ends[step] - begin;
        for (int c = 0; ok && c < part->count; c++)
            for (int t = 0; t < PROMPT_CHUNK; t++) {
                size_t at = (size_t)chunks[begin + c] * PROMPT_CHUNK + (size_t)t;
                ok = ok && part->chunks[c].weights[t] == weights[at] &&
                     part->chunks[c].tokens[t] == (tokens[2 * at] | tokens[2 * at + 1] << 8);
            }
        wrong += !ok;
    }
    return wrong;
}

static void chunks_are_those_of_the_model_of_a1111(void)
{
    Safetensors *file = golden_open("text_prompts.safetensors");
    size_t       bytes, count, other;
    char        *text = golden_copy(file, "text", &bytes);
    int32_t     *text_ends = golden_copy(file, "text_ends", &count);
    int32_t     *steps = golden_copy(file, "steps", &other);
    uint8_t     *tokens = golden_copy(file, "tokens", &other);
    float       *weights = golden_copy(file, "weights", &other);
    int32_t     *chunks = golden_copy(file, "chunks", &other);
    int32_t     *chunk_ends = golden_copy(file, "chunk_ends", &other);
    CHECK(count >= 500);
    for (size_t i = 0, at = 0, step = 0; i < count; i++) {
        size_t length = (size_t)text_ends[i] - at;
        char  *copy = malloc(length + 1);
        memcpy(copy, text + at, length);
        copy[length] = '\0';
        Prompt prompt = parse(copy, steps[i], TOKEN_END);
        if (wrong_steps(&prompt, steps[i], tokens, weights, chunks, chunk_ends + step,
                        step ? chunk_ends[step - 1] : 0))
            CHECK_STRING(copy, "as the model has it");
        prompt_clear(&prompt);
        free(copy);
        at = (size_t)text_ends[i];
        step += (size_t)steps[i];
    }
    free(text);
    free(text_ends);
    free(steps);
    free(tokens);
    free(weights);
    free(chunks);
    free(chunk_ends);
    safetensors_close(file);
}

static void a_megabyte_of_grammar_takes_less_than_five_seconds(void)
{
    static const char *const units[] = { "(",       "[",     "([",      "(a",  "[a",
                                         "(a:1.1)", "[a|b]", "[a:b:3]", "[a:", "BREAK ",
                                         "\\(",     "|",     ":",       ": ",  ")",
                                         "{a|b}",   "#\n",   "{",       "{a|", "a, " };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        char  *text = repeated(units[i], 1000000);
        double start = seconds_now();
        char  *expanded = prompt_expand(text, 7);
        Prompt prompt = parse(expanded, 20, TOKEN_END);
        CHECK(prompt.count > 0 && seconds_now() - start < 5);
        prompt_clear(&prompt);
        free(expanded);
        free(text);
    }
}

static void check_expand(const char *text, const char *want)
{
    char *got = prompt_expand(text, 1);
    CHECK_STRING(got, want);
    free(got);
}

static void comments_and_choices_leave_the_rest_alone(void)
{
    check_expand("", "");
    check_expand("a # b\nc", "a \nc");
    check_expand("a \\# b # c", "a \\# b ");
    check_expand("{a} {b", "{a} {b");
    check_expand("a|b [c|d] }", "a|b [c|d] }");
    check_expand("\\{a|b}", "\\{a|b}");
    check_expand("{[a|b]}", "{[a|b]}");
    check_expand("{a|a} {b|{b|b}} { {c|c}", "a b { c");
    check_expand("{[a|b]|[a|b]}", "[a|b]");
    check_expand("{|}x", "x");
    check_expand("\\", "\\");
}

static void every_choice_is_made_and_a_seed_makes_the_same(void)
{
    int seen[4] = { 0 };
    for (unsigned long long seed = 0; seed < 200; seed++) {
        char *one = prompt_expand("{a|{b|c}|d}", seed), *other = prompt_expand("{a|{b|c}|d}", seed);
        CHECK_STRING(one, other);
        CHECK(strlen(one) == 1 && one[0] >= 'a' && one[0] <= 'd');
        seen[(one[0] - 'a') & 3]++;
        free(one);
        free(other);
    }
    CHECK(seen[0] > 40 && seen[1] > 15 && seen[2] > 15 && seen[3] > 40);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(brackets_weigh_as_they_do_in_a1111);
    RUN(what_is_no_weight_is_text);
    RUN(weights_stay_finite);
    RUN(break_is_a_word_of_its_own);
    RUN(and_is_found_as_a_word);
    RUN(prompts_change_as_they_do_in_a1111);
    RUN(what_changes_nothing_is_text);
    RUN(a_step_has_the_part_that_a1111_gives_it);
    RUN(parts_have_equally_many_chunks);
    RUN(a_full_chunk_is_cut_at_a_near_comma);
    RUN(nothing_is_one_empty_chunk);
    RUN(chunks_are_those_of_the_model_of_a1111);
    RUN(a_megabyte_of_grammar_takes_less_than_five_seconds);
    RUN(comments_and_choices_leave_the_rest_alone);
    RUN(every_choice_is_made_and_a_seed_makes_the_same);
    return test_end();
}
