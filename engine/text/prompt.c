/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prompt.h"

#include "../base/prompt_schedule.h"
#include "prompt_weights.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK_TOKENS = PROMPT_CHUNK - 2,
    COMMA_TOKEN = 267, /* ",</w>" */
    COMMA_REACH = 20,  /* tokens that are moved to the next chunk, the comma among them */
};

/* A part's chunks while tokens run in. */
typedef struct {
    PromptPart *part;
    int         capacity, pad_token;
    int         fill;       /* tokens in the open chunk, the last of part->chunks */
    int         last_comma; /* where it stands in the open chunk, -1: nowhere */
    bool        open;
} Filler;

static void end_chunk(Filler *filler)
{
    PromptChunk *chunk = &filler->part->chunks[filler->part->count - 1];
    chunk->tokens[1 + filler->fill] = TOKEN_END;
    filler->open = false;
    filler->last_comma = -1;
}

/* An empty chunk behind the others, ready to be filled.  False: out of memory. */
static bool begin_chunk(Filler *filler)
{
    PromptPart *part = filler->part;
    if (part->count == filler->capacity) {
        int          capacity = filler->capacity < INT_MAX / 4 ? 2 * filler->capacity + 1 : 0;
        PromptChunk *chunks =
            capacity ? realloc(part->chunks, (size_t)capacity * sizeof *chunks) : NULL;
        if (!chunks)
            return false;
        part->chunks = chunks;
        filler->capacity = capacity;
    }
    PromptChunk *chunk = &part->chunks[part->count++];
    for (int i = 0; i < PROMPT_CHUNK; i++) {
        chunk->tokens[i] = filler->pad_token;
        chunk->weights[i] = 1;
    }
    chunk->tokens[0] = TOKEN_START;
    filler->fill = 0;
    filler->open = true;
    return true;
}

/* The open chunk is full: begins the next one, with what stands behind a near comma. */
static bool turn_over(Filler *filler, bool at_comma)
{
    int keep = filler->last_comma + 1, moved = CHUNK_TOKENS - keep;
    if (at_comma || filler->last_comma < 0 || moved >= COMMA_REACH)
        moved = 0;
    int          tokens[COMMA_REACH];
    float        weights[COMMA_REACH];
    PromptChunk *chunk = &filler->part->chunks[filler->part->count - 1];
    filler->fill = CHUNK_TOKENS - moved;
    for (int i = 0; i < moved; i++) {
        int *from = &chunk->tokens[1 + filler->fill + i];
        tokens[i] = *from;
        *from = filler->pad_token;
        weights[i] = chunk->weights[1 + filler->fill + i];
        chunk->weights[1 + filler->fill + i] = 1;
    }
    end_chunk(filler);
    if (!begin_chunk(filler))
        return false;
    chunk = &filler->part->chunks[filler->part->count - 1];
    memcpy(chunk->tokens + 1, tokens, (size_t)moved * sizeof *tokens);
    memcpy(chunk->weights + 1, weights, (size_t)moved * sizeof *weights);
    filler->fill = moved;
    return true;
}

static bool add_token(Filler *filler, int token, float weight)
{
    if (!filler->open && !begin_chunk(filler))
        return false;
    if (filler->fill == CHUNK_TOKENS && !turn_over(filler, token == COMMA_TOKEN))
        return false;
    if (token == COMMA_TOKEN)
        filler->last_comma = filler->fill;
    PromptChunk *chunk = &filler->part->chunks[filler->part->count - 1];
    chunk->tokens[1 + filler->fill] = token;
    chunk->weights[1 + filler->fill] = weight;
    filler->fill++;
    filler->part->token_count++;
    return true;
}

static bool add_break(Filler *filler)
{
    if (!filler->open && !begin_chunk(filler))
        return false;
    end_chunk(filler);
    return true;
}

/* One text, as it stands at some step, to chunks. */
static bool fill_part(PromptPart *part, const Tokenizer *tokenizer, const char *text, size_t bytes,
                      int pad_token, EngineError *error)
{
    WeightedText weighted = { 0 };
    TokenList    list = { 0 };
    Filler       filler = { .part = part, .pad_token = pad_token, .last_comma = -1 };
    bool         ok = weighted_text_parse(&weighted, text, bytes);
    for (size_t i = 0; ok && i < weighted.count; i++) {
        const WeightedSpan *span = &weighted.spans[i];
        if (span->is_break) {
            ok = add_break(&filler);
            continue;
        }
        list.count = 0;
        ok = tokenizer_encode(tokenizer, weighted.text + span->begin, span->end - span->begin,
                              &list, error);
        for (size_t k = 0; ok && k < list.count; k++)
            ok = add_token(&filler, list.ids[k], (float)span->weight);
    }
    if (ok && part->count == 0)
        ok = begin_chunk(&filler);
    if (ok && filler.open)
        end_chunk(&filler);
    token_list_clear(&list);
    weighted_text_clear(&weighted);
    return ok;
}

/* The texts that already have chunks, by part. */
typedef struct {
    uint64_t hash;
    char    *text; /* owned; NULL: the part borrows */
    size_t   bytes;
} Seen;

static uint64_t hash_of(const char *text, size_t bytes)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
    return hash;
}

static int find_seen(const Seen *seen, int count, const char *text, size_t bytes, uint64_t hash)
{
    for (int i = 0; i < count; i++)
        if (seen[i].text && seen[i].hash == hash && seen[i].bytes == bytes &&
            memcmp(seen[i].text, text, bytes) == 0)
            return i;
    return -1;
}

/* Gives all parts as many chunks as the longest has. */
static bool level_chunks(Prompt *prompt, int pad_token)
{
    int count = 0;
    for (int i = 0; i < prompt->count; i++)
        if (prompt->parts[i].count > count)
            count = prompt->parts[i].count;
    for (int i = 0; i < prompt->count; i++) {
        PromptPart *part = &prompt->parts[i];
        Filler      filler = { .part = part, .capacity = part->count, .pad_token = pad_token };
        if (part->same_as != i) {
            int until = part->until_step, same = part->same_as;
            *part = prompt->parts[same];
            part->until_step = until;
        }
        while (part->count < count) {
            if (!begin_chunk(&filler))
                return false;
            end_chunk(&filler);
        }
    }
    return true;
}

/* The next part, with `text`; joined to the one before it when that has the same text. */
static bool add_part(Prompt *prompt, Seen *seen, const Tokenizer *tokenizer, const char *text,
                     size_t bytes, int pad_token, EngineError *error)
{
    uint64_t hash = hash_of(text, bytes);
    int      index = prompt->count, same = find_seen(seen, index, text, bytes, hash);
    if (same >= 0 && prompt->parts[index - 1].same_as == same)
        return true;
    prompt->parts[index] = (PromptPart){ .same_as = same < 0 ? index : same };
    prompt->count++;
    if (same >= 0)
        return true;
    seen[index] = (Seen){ hash, malloc(bytes + 1), bytes };
    if (!seen[index].text)
        return false;
    memcpy(seen[index].text, text, bytes);
    return fill_part(&prompt->parts[index], tokenizer, text, bytes, pad_token, error);
}

static bool parse_parts(Prompt *prompt, const PromptSchedule *schedule, char *text,
                        const Tokenizer *tokenizer, int steps, int pad_token, EngineError *error)
{
    Seen *seen = calloc((size_t)schedule->end_count, sizeof *seen);
    bool  ok = seen;
    for (int i = 0; ok && i < schedule->end_count; i++) {
        int    end = schedule->ends[i];
        size_t bytes = prompt_schedule_text(schedule, end, text);
        ok = add_part(prompt, seen, tokenizer, text, bytes, pad_token, error);
        if (ok)
            prompt->parts[prompt->count - 1].until_step = end < steps ? end + 1 : steps;
    }
    for (int i = 0; seen && i < schedule->end_count; i++)
        free(seen[i].text);
    free(seen);
    ok = ok && level_chunks(prompt, pad_token);
    /* What comes only at the last step is never reached, and yet counts for the number of chunks.
     */
    if (ok && prompt->count > 1 && prompt->parts[prompt->count - 2].until_step == steps) {
        prompt->count--;
        if (prompt->parts[prompt->count].same_as == prompt->count)
            free(prompt->parts[prompt->count].chunks);
    }
    return ok;
}

bool prompt_parse(Prompt *prompt, const Tokenizer *tokenizer, const char *text, int steps,
                  int pad_token, EngineError *error)
{
    PromptSchedule schedule = { 0 };
    size_t         bytes = strlen(text);
    char          *at_step = malloc(bytes + 1);
    *prompt = (Prompt){ 0 };
    bool ok = at_step && prompt_schedule_parse(&schedule, text, bytes, steps);
    if (ok)
        prompt->parts = calloc((size_t)schedule.end_count, sizeof *prompt->parts);
    ok = prompt->parts &&
         parse_parts(prompt, &schedule, at_step, tokenizer, steps, pad_token, error);
    if (!ok) {
        prompt_clear(prompt);
        fail(error, ENGINE_OUT_OF_MEMORY, "There is no memory for a prompt of %zu bytes.", bytes);
    }
    prompt_schedule_clear(&schedule);
    free(at_step);
    return ok;
}

void prompt_clear(Prompt *prompt)
{
    for (int i = 0; i < prompt->count; i++)
        if (prompt->parts[i].same_as == i)
            free(prompt->parts[i].chunks);
    free(prompt->parts);
    *prompt = (Prompt){ 0 };
}

const PromptPart *prompt_at_step(const Prompt *prompt, int step)
{
    int i = 0;
    while (i + 1 < prompt->count && step >= prompt->parts[i].until_step)
        i++;
    return &prompt->parts[i];
}
