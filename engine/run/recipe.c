/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "../recipe.h"

#include "../base/number.h"
#include "../text/unicode.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char negative_key[] = "Negative prompt:";

/* ---- writing ----------------------------------------------------------------------------- */

typedef struct {
    char  *text;
    size_t bytes, capacity;
    bool   failed;
} Text;

static void add(Text *out, const char *text, size_t bytes)
{
    if (out->capacity - out->bytes <= bytes) {
        size_t capacity = 2 * (out->capacity + bytes + 64);
        char  *grown = out->failed ? NULL : realloc(out->text, capacity);
        out->failed = !grown;
        if (!grown)
            return;
        out->text = grown;
        out->capacity = capacity;
    }
    memcpy(out->text + out->bytes, text, bytes);
    out->bytes += bytes;
    out->text[out->bytes] = '\0';
}

static void add_string(Text *out, const char *text)
{
    add(out, text, strlen(text));
}

/* A value with a comma, colon or line break stands in quotes, as JSON writes it. */
static void add_value(Text *out, const char *value)
{
    if (!strpbrk(value, ",:\n\"")) {
        add_string(out, value);
        return;
    }
    add_string(out, "\"");
    for (const char *c = value; *c; c++) {
        char escaped[8];
        if (*c == '"' || *c == '\\')
            snprintf(escaped, sizeof escaped, "\\%c", *c);
        else if (*c == '\n')
            snprintf(escaped, sizeof escaped, "\\n");
        else if ((unsigned char)*c < 0x20)
            snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned)*c);
        else
            snprintf(escaped, sizeof escaped, "%c", *c);
        add_string(out, escaped);
    }
    add_string(out, "\"");
}

static void add_pair(Text *out, const char *key, const char *value)
{
    if (!value || !*value)
        return;
    add_string(out, out->bytes && out->text[out->bytes - 1] != '\n' ? ", " : "");
    add_string(out, key);
    add_string(out, ": ");
    add_value(out, value);
}

static void add_number(Text *out, const char *key, double value)
{
    char text[32];
    number_format(text, value);
    add_pair(out, key, text);
}

static void add_integer(Text *out, const char *key, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, value);
    add_pair(out, key, text);
}

char *recipe_write(const Recipe *recipe)
{
    const EngineRequest *request = &recipe->request;
    Text                 out = { 0 };
    char                 size[32], hash[11];
    add_string(&out, request->prompt ? request->prompt : "");
    if (request->negative_prompt && *request->negative_prompt) {
        add_string(&out, "\n");
        add_string(&out, negative_key);
        add_string(&out, " ");
        add_string(&out, request->negative_prompt);
    }
    add_string(&out, "\n");
    snprintf(size, sizeof size, "%dx%d", request->width, request->height);
    snprintf(hash, sizeof hash, "%s", recipe->model_hash ? recipe->model_hash : "");
    add_integer(&out, "Steps", (uint64_t)request->steps);
    add_pair(&out, "Sampler", engine_sampler_label(request->sampler));
    add_pair(&out, "Schedule type", engine_schedule_label(request->schedule));
    add_number(&out, "CFG scale", (double)request->cfg);
    add_integer(&out, "Seed", request->seed);
    add_pair(&out, "Size", size);
    add_pair(&out, "Model hash", hash);
    add_pair(&out, "Model", recipe->model);
    if (recipe->has_strength)
        add_number(&out, "Denoising strength", (double)request->strength);
    if (request->clip_skip > 0)
        add_integer(&out, "Clip skip", (uint64_t)request->clip_skip);
    if (request->cfg_rescale > 0)
        add_number(&out, "CFG rescale", (double)request->cfg_rescale);
    if (request->noise == ENGINE_NOISE_CPU)
        add_pair(&out, "RNG", "CPU");
    if (request->tile_x || request->tile_y)
        add_pair(&out, "Tiling",
                 request->tile_x && request->tile_y ? "True"
                 : request->tile_x                  ? "X"
                                                    : "Y");
    if (recipe->mask_blur >= 0)
        add_integer(&out, "Mask blur", (uint64_t)recipe->mask_blur);
    add_pair(&out, "Version", recipe->version);
    if (!out.failed)
        return out.text;
    free(out.text);
    return NULL;
}

/* ---- reading ----------------------------------------------------------------------------- */

/* A stretch of the text. */
typedef struct {
    const char *at;
    size_t      bytes;
} Span;

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static Span strip(Span span)
{
    while (span.bytes && is_blank(span.at[0]))
        span.at++, span.bytes--;
    while (span.bytes && is_blank(span.at[span.bytes - 1]))
        span.bytes--;
    return span;
}

static bool equals(Span span, const char *text)
{
    return span.bytes == strlen(text) && memcmp(span.at, text, span.bytes) == 0;
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' ||
           (c & 0x80);
}

static bool is_key(char c)
{
    return is_word(c) || c == ' ' || c == '-' || c == '/';
}

/* Bytes of the quoted text at line[0], with its quotes; 0: it has no end. */
static size_t quoted_length(Span line)
{
    for (size_t i = 1; i < line.bytes; i++)
        if (line.at[i] == '\\')
            i++;
        else if (line.at[i] == '"')
            return i > 1 ? i + 1 : 0;
    return 0;
}

/* The next `key: value` of a line, which moves behind it.  As A1111's pattern has it, junk between
 * pairs is passed over. */
static bool next_pair(Span *line, Span *key, Span *value)
{
    for (;;) {
        size_t first = 0;
        while (first < line->bytes && !is_word(line->at[first]))
            first++;
        size_t end = first;
        while (end < line->bytes && is_key(line->at[end]))
            end++;
        if (end == line->bytes)
            return false;
        *key = (Span){ line->at + first, end - first };
        bool found = line->at[end] == ':' && end - first >= 2;
        *line = (Span){ line->at + end + 1, line->bytes - end - 1 };
        if (found)
            break;
    }
    while (line->bytes && is_blank(line->at[0]))
        line->at++, line->bytes--;
    size_t length = line->bytes && line->at[0] == '"' ? quoted_length(*line) : 0;
    if (!length || (length < line->bytes && line->at[length] != ','))
        for (length = 0; length < line->bytes && line->at[length] != ',';)
            length++;
    *value = strip((Span){ line->at, length });
    length += length < line->bytes;
    *line = (Span){ line->at + length, line->bytes - length };
    return true;
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *found = c ? strchr(digits, c | 0x20) : NULL;
    return found ? (int)(found - digits) : -1;
}

/* \uXXXX at text[0 … bytes), with the half that follows it where it is one of two; 0: it is not. */
static size_t read_escape(const char *text, size_t bytes, uint32_t *code)
{
    uint32_t halves[2] = { 0, 0 };
    for (size_t half = 0; half < 2; half++) {
        size_t begin = 6 * half;
        if (bytes < begin + 6 || text[begin] != '\\' || text[begin + 1] != 'u')
            return 0;
        for (size_t i = 2; i < 6; i++) {
            int digit = hex_digit(text[begin + i]);
            if (digit < 0)
                return 0;
            halves[half] = halves[half] << 4 | (uint32_t)digit;
        }
        if (half == 0 && (halves[0] < 0xd800 || halves[0] > 0xdfff)) {
            *code = halves[0];
            return *code ? 6 : 0;
        }
    }
    if (halves[0] > 0xdbff || halves[1] < 0xdc00 || halves[1] > 0xdfff)
        return 0;
    *code = 0x10000 + ((halves[0] - 0xd800) << 10) + (halves[1] - 0xdc00);
    return 12;
}

/* A value without its quotes; out has room for value.bytes.  SIZE_MAX: no JSON string. */
static size_t unquote(Span value, char *out)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    size_t            count = 0;
    for (size_t i = 1; i + 1 < value.bytes; i++) {
        char c = value.at[i];
        if (c == '"')
            return SIZE_MAX;
        if (c != '\\') {
            out[count++] = c;
            continue;
        }
        const char *known = strchr(letters, value.at[i + 1]);
        if (known && *known && i + 2 < value.bytes) {
            out[count++] = meanings[known - letters];
            i++;
            continue;
        }
        uint32_t code;
        size_t   length = read_escape(value.at + i, value.bytes - 1 - i, &code);
        if (!length)
            return SIZE_MAX;
        count += unicode_write(out + count, code);
        i += length - 1;
    }
    return count;
}

typedef struct {
    Recipe *recipe;
    char   *storage; /* where the next string goes */
    Span    sampler, schedule;
} Reader;

/* A string of its own, without the quotes. */
static const char *store(Reader *reader, Span value)
{
    char  *out = reader->storage;
    size_t bytes = SIZE_MAX;
    if (value.bytes >= 2 && value.at[0] == '"' && value.at[value.bytes - 1] == '"')
        bytes = unquote(value, out);
    if (bytes == SIZE_MAX) {
        bytes = value.bytes;
        memmove(out, value.at, bytes);
    }
    out[bytes] = '\0';
    reader->storage += bytes + 1;
    return out;
}

static void read_float(Span value, double low, double high, float *out)
{
    double number = 0;
    if (number_parse(value.at, value.bytes, &number) && number >= low && number <= high)
        *out = (float)number;
}

static bool read_whole(Span value, uint64_t low, uint64_t high, uint64_t *out)
{
    uint64_t number = 0;
    for (size_t i = 0; i < value.bytes; i++) {
        unsigned digit = (unsigned)(value.at[i] - '0');
        if (digit > 9 || number > (UINT64_MAX - digit) / 10)
            return false;
        number = 10 * number + digit;
    }
    if (!value.bytes || number < low || number > high)
        return false;
    *out = number;
    return true;
}

static void read_int(Span value, uint64_t low, uint64_t high, int *out)
{
    uint64_t number;
    if (read_whole(value, low, high, &number))
        *out = (int)number;
}

static void read_size(Span value, EngineRequest *request)
{
    const char *x = memchr(value.at, 'x', value.bytes);
    uint64_t    width, height;
    if (!x)
        return;
    size_t left = (size_t)(x - value.at);
    if (read_whole((Span){ value.at, left }, 64, 16384, &width) &&
        read_whole((Span){ x + 1, value.bytes - left - 1 }, 64, 16384, &height) && width % 8 == 0 &&
        height % 8 == 0) {
        request->width = (int)width;
        request->height = (int)height;
    }
}

static void read_pair(Reader *reader, Span key, Span value)
{
    Recipe        *recipe = reader->recipe;
    EngineRequest *request = &recipe->request;
    if (equals(key, "Steps")) {
        read_int(value, 1, 1000, &request->steps);
    } else if (equals(key, "Sampler")) {
        reader->sampler = value;
    } else if (equals(key, "Schedule type")) {
        reader->schedule = value;
    } else if (equals(key, "CFG scale")) {
        read_float(value, 0, 100, &request->cfg);
    } else if (equals(key, "Image CFG scale")) {
        read_float(value, 0, 100, &request->image_cfg);
    } else if (equals(key, "CFG rescale")) {
        read_float(value, 0, 1, &request->cfg_rescale);
    } else if (equals(key, "Seed")) {
        read_whole(value, 0, UINT64_MAX, &request->seed);
    } else if (equals(key, "Size")) {
        read_size(value, request);
    } else if (equals(key, "Denoising strength")) {
        float strength = -1;
        read_float(value, 0, 1, &strength);
        recipe->has_strength = strength >= 0;
        if (recipe->has_strength)
            request->strength = strength;
    } else if (equals(key, "Clip skip")) {
        read_int(value, 1, 64, &request->clip_skip);
    } else if (equals(key, "Mask blur")) {
        read_int(value, 0, 16384, &recipe->mask_blur);
    } else if (equals(key, "RNG")) {
        request->noise = equals(value, "CPU") ? ENGINE_NOISE_CPU : ENGINE_NOISE_GPU;
    } else if (equals(key, "Tiling")) {
        request->tile_x = equals(value, "True") || equals(value, "X");
        request->tile_y = equals(value, "True") || equals(value, "Y");
    } else if (equals(key, "Model hash")) {
        recipe->model_hash = store(reader, value);
    } else if (equals(key, "Model")) {
        recipe->model = store(reader, value);
    } else if (equals(key, "Version")) {
        recipe->version = store(reader, value);
    }
}

/* The schedule that A1111 takes for a sampler when it is told "Automatic". */
static EngineSchedule own_schedule(EngineSampler sampler)
{
    switch (sampler) {
    case ENGINE_DPM2:
    case ENGINE_DPMPP_2M:
    case ENGINE_DPMPP_SDE:
        return ENGINE_SCHEDULE_KARRAS;
    case ENGINE_DPMPP_2M_SDE:
        return ENGINE_SCHEDULE_EXPONENTIAL;
    default:
        return ENGINE_SCHEDULE_NORMAL;
    }
}

static bool schedule_from_label(const char *label, EngineSchedule *schedule)
{
    if (strcmp(label, "Uniform") == 0)
        *schedule = ENGINE_SCHEDULE_NORMAL;
    else if (strcmp(label, "DDIM") == 0)
        *schedule = ENGINE_SCHEDULE_DDIM_UNIFORM;
    else
        return engine_schedule_from_name(label, schedule);
    return true;
}

/* Names of some length are neither here nor there. */
static void copy_name(char name[64], Span value)
{
    snprintf(name, 64, "%.*s", value.bytes < 64 ? (int)value.bytes : 0, value.at);
}

/* Older versions wrote sampler and schedule as one: "DPM++ 2M Karras". */
static void take_sampler(Reader *reader)
{
    Recipe        *recipe = reader->recipe;
    EngineRequest *request = &recipe->request;
    char           sampler[64], schedule[64];
    copy_name(sampler, reader->sampler);
    copy_name(schedule, reader->schedule);
    char *last = strrchr(sampler, ' ');
    if (last && !*schedule && !engine_sampler_from_name(sampler, &request->sampler) &&
        schedule_from_label(last + 1, &request->schedule)) {
        snprintf(schedule, sizeof schedule, "%s", last + 1);
        *last = '\0';
    }
    if (!reader->sampler.bytes)
        return;
    if (!engine_sampler_from_name(sampler, &request->sampler)) {
        snprintf(recipe->note, sizeof recipe->note, "The sampler \"%s\" is not known here.",
                 sampler);
        return;
    }
    if (!*schedule || strcmp(schedule, "Automatic") == 0)
        request->schedule = own_schedule(request->sampler);
    else if (!schedule_from_label(schedule, &request->schedule))
        snprintf(recipe->note, sizeof recipe->note, "The schedule \"%s\" is not known here.",
                 schedule);
}

/* Takes the last line off text when it holds three pairs or more. */
static Span take_settings(Span *text)
{
    size_t begin = text->bytes;
    while (begin > 0 && text->at[begin - 1] != '\n')
        begin--;
    Span line = { text->at + begin, text->bytes - begin }, rest = line, key, value;
    int  pairs = 0;
    while (pairs < 3 && next_pair(&rest, &key, &value))
        pairs++;
    if (pairs < 3)
        return (Span){ line.at, 0 };
    text->bytes = begin ? begin - 1 : 0;
    return line;
}

/* Lines up to the one that begins the negative prompt, each stripped; and those from there. */
static void read_prompts(Reader *reader, Span text)
{
    const char *prompts[2] = { reader->storage, "" };
    int         part = 0;
    while (text.bytes) {
        const char *end = memchr(text.at, '\n', text.bytes);
        size_t      length = end ? (size_t)(end - text.at) : text.bytes;
        Span        line = strip((Span){ text.at, length });
        size_t      prefix = sizeof negative_key - 1;
        text = (Span){ text.at + length + (end != NULL), text.bytes - length - (end != NULL) };
        if (line.bytes >= prefix && memcmp(line.at, negative_key, prefix) == 0) {
            line = strip((Span){ line.at + prefix, line.bytes - prefix });
            if (part == 0) {
                *reader->storage++ = '\0';
                prompts[++part] = reader->storage;
            }
        }
        if (reader->storage > prompts[part])
            *reader->storage++ = '\n';
        memcpy(reader->storage, line.at, line.bytes);
        reader->storage += line.bytes;
    }
    *reader->storage++ = '\0';
    reader->recipe->request.prompt = prompts[0];
    reader->recipe->request.negative_prompt = prompts[1];
}

bool recipe_read(Recipe *recipe, const char *text, size_t bytes, const EngineRequest *base,
                 EngineError *error)
{
    *recipe =
        (Recipe){ .request = *base, .mask_blur = -1, .model = "", .model_hash = "", .version = "" };
    Span all = strip((Span){ text, bytes });
    if (bytes > RECIPE_BYTES)
        return fail(error, ENGINE_BAD_REQUEST, "The recipe has %zu bytes; %d is the most.", bytes,
                    RECIPE_BYTES);
    if (!all.bytes || memchr(all.at, '\0', all.bytes))
        return fail(error, ENGINE_BAD_REQUEST, "There is no text in this recipe.");
    /* A pair may be told many times, and what is stored is shorter than its pair. */
    recipe->storage = malloc(2 * all.bytes + 8);
    if (!recipe->storage)
        return fail(error, ENGINE_OUT_OF_MEMORY, "There is no memory for a recipe of %zu bytes.",
                    bytes);
    Reader reader = { recipe, recipe->storage, { text, 0 }, { text, 0 } };
    Span   line = take_settings(&all), key, value;
    recipe->request.noise = ENGINE_NOISE_GPU;
    recipe->request.clip_skip = 0;
    recipe->request.tile_x = recipe->request.tile_y = false;
    read_prompts(&reader, all);
    while (next_pair(&line, &key, &value))
        read_pair(&reader, key, value);
    take_sampler(&reader);
    return true;
}

void recipe_clear(Recipe *recipe)
{
    free(recipe->storage);
    *recipe = (Recipe){ 0 };
}
