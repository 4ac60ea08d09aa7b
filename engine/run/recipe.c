/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "../recipe.h"

#include "../base/number.h"
#include "../base/utf8.h"
#include "../request_settings.h"
#include "recipe_json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char negative_key[] = "Negative prompt:";
/* Our own, for prompts that lines do not hold as they are. */
static const char prompt_text_key[] = "Prompt text", negative_text_key[] = "Negative prompt text";

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

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void add_quoted(Text *out, const char *value)
{
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

/* A value that would not be read as it is stands in quotes, as JSON writes it. */
static void add_value(Text *out, const char *value)
{
    if (strpbrk(value, ",:\n\"") || is_blank(value[0]) || is_blank(value[strlen(value) - 1]))
        add_quoted(out, value);
    else
        add_string(out, value);
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

static void add_integer(Text *out, const char *key, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, value);
    add_pair(out, key, text);
}

static void add_setting(Text *out, const EngineRequest *request, const RequestSetting *setting)
{
    char text[64];
    request_setting_write(text, sizeof text, request, setting, false);
    add_pair(out, setting->key, text);
}

/* Whether a prompt comes back as it is from lines of text: A1111's reading strips each line, drops
 * empty ones at both ends, and takes one that begins like a negative prompt for it. */
static bool is_plain(const char *prompt)
{
    const char *line = prompt;
    if (is_blank(*prompt))
        return false;
    for (;;) {
        size_t bytes = strcspn(line, "\n");
        if (strncmp(line, negative_key, sizeof negative_key - 1) == 0 ||
            (bytes > 0 && (is_blank(line[0]) || is_blank(line[bytes - 1]))))
            return false;
        if (!line[bytes])
            return bytes > 0 || line == prompt;
        line += bytes + 1;
    }
}

static void add_prompt(Text *out, const char *key, const char *prompt)
{
    add_string(out, ", ");
    add_string(out, key);
    add_string(out, ": ");
    add_quoted(out, prompt);
}

static void add_settings(Text *out, const Recipe *recipe)
{
    const EngineRequest *request = &recipe->request;
    char                 size[32], hash[11];
    snprintf(size, sizeof size, "%dx%d", request->width, request->height);
    snprintf(hash, sizeof hash, "%s", recipe->model_hash ? recipe->model_hash : "");
    for (int i = 0; i < REQUEST_SETTING_COUNT; i++)
        if (request_settings[i].always)
            add_setting(out, request, &request_settings[i]);
    add_pair(out, "Size", size);
    add_pair(out, "Model hash", hash);
    add_pair(out, "Model", recipe->model);
    for (int i = 0; i < REQUEST_SETTING_COUNT; i++) {
        const RequestSetting *setting = &request_settings[i];
        bool shown = setting->group == REQUEST_PICTURE ? recipe->has_strength
                                                       : !request_setting_is_usual(request, setting);
        if (setting->key && !setting->always && shown)
            add_setting(out, request, setting);
    }
    if (recipe->mask_blur >= 0)
        add_integer(out, "Mask blur", (uint64_t)recipe->mask_blur);
    add_pair(out, "Version", recipe->version);
}

char *recipe_write(const Recipe *recipe)
{
    const char *prompt = recipe->request.prompt ? recipe->request.prompt : "";
    const char *negative = recipe->request.negative_prompt ? recipe->request.negative_prompt : "";
    Text        out = { 0 };
    add_string(&out, prompt);
    if (*negative) {
        add_string(&out, "\n");
        add_string(&out, negative_key);
        add_string(&out, " ");
        add_string(&out, negative);
    }
    add_string(&out, "\n");
    add_settings(&out, recipe);
    if (!is_plain(prompt) || !is_plain(negative)) { /* once more, in quotes */
        add_prompt(&out, prompt_text_key, prompt);
        add_prompt(&out, negative_text_key, negative);
    }
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

/* \uXXXX at text[0 … bytes), with the half that follows it where it is one of two; 0: it is not. */
static size_t read_escape(const char *text, size_t bytes, uint32_t *code)
{
    uint32_t halves[2] = { 0, 0 };
    for (size_t half = 0; half < 2; half++) {
        size_t begin = 6 * half;
        if (bytes < begin + 6 || text[begin] != '\\' || text[begin + 1] != 'u')
            return 0;
        for (size_t i = 2; i < 6; i++) {
            int digit = number_hex_digit(text[begin + i]);
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
        count += utf8_write(out + count, code);
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

/* Adds a sentence to what could not be taken over; one that does not fit is left out. */
static void note(Recipe *recipe, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void note(Recipe *recipe, const char *format, ...)
{
    size_t  used = strlen(recipe->note), room = sizeof recipe->note - used;
    va_list arguments;
    if (room < 2)
        return;
    char *at = recipe->note + used;
    if (used)
        *at++ = ' ', room--;
    va_start(arguments, format);
    int bytes = vsnprintf(at, room, format, arguments);
    va_end(arguments);
    if (bytes < 0 || (size_t)bytes >= room)
        recipe->note[used] = '\0';
}

/* How much of a value is shown in a sentence: whole characters only. */
static int shown_bytes(Span value)
{
    size_t bytes = value.bytes < 40 ? value.bytes : 40;
    while (bytes < value.bytes && bytes > 0 && (value.at[bytes] & 0xc0) == 0x80)
        bytes--;
    return (int)bytes;
}

static void read_size(Recipe *recipe, Span value)
{
    const char    *x = memchr(value.at, 'x', value.bytes);
    EngineRequest  read = recipe->request;
    size_t         left = x ? (size_t)(x - value.at) : 0;
    if (x && request_setting_read(&read, request_setting_of(offsetof(EngineRequest, width)),
                                  value.at, left) &&
        request_setting_read(&read, request_setting_of(offsetof(EngineRequest, height)), x + 1,
                             value.bytes - left - 1) &&
        read.width % 8 == 0 && read.height % 8 == 0) {
        recipe->request.width = read.width;
        recipe->request.height = read.height;
        return;
    }
    note(recipe, "The size %.*s cannot be made here: sides are multiples of 8 from 64 to 16384.",
         shown_bytes(value), value.at);
}

static const RequestSetting *setting_of_key(Span key)
{
    for (int i = 0; i < REQUEST_SETTING_COUNT; i++)
        if (request_settings[i].key && equals(key, request_settings[i].key))
            return &request_settings[i];
    return NULL;
}

static void read_setting(Recipe *recipe, const RequestSetting *setting, Span value)
{
    char range[320];
    /* Forge's "NV" is what the others call GPU. */
    if (setting->offset == offsetof(EngineRequest, noise) && equals(value, "NV"))
        value = (Span){ "GPU", 3 };
    if (request_setting_read(&recipe->request, setting, value.at, value.bytes)) {
        recipe->has_strength |= setting->group == REQUEST_PICTURE;
        return;
    }
    request_setting_range(range, sizeof range, setting);
    note(recipe, "%s is \"%.*s\" and would have to be %s.", setting->key, shown_bytes(value),
         value.at, range);
}

static void read_pair(Reader *reader, Span key, Span value)
{
    Recipe               *recipe = reader->recipe;
    const RequestSetting *setting = setting_of_key(key);
    uint64_t              blur;
    if (equals(key, "Sampler")) {
        reader->sampler = value;
    } else if (equals(key, "Schedule type")) {
        reader->schedule = value;
    } else if (setting) {
        read_setting(recipe, setting, value);
    } else if (equals(key, "Size")) {
        read_size(recipe, value);
    } else if (equals(key, "Mask blur")) {
        if (number_parse_whole(value.at, value.bytes, &blur) && blur <= 16384)
            recipe->mask_blur = (int)blur;
    } else if (equals(key, "Model hash")) {
        recipe->model_hash = store(reader, value);
    } else if (equals(key, "Model")) {
        recipe->model = store(reader, value);
    } else if (equals(key, "Version")) {
        recipe->version = store(reader, value);
    } else if (equals(key, prompt_text_key)) {
        recipe->request.prompt = store(reader, value);
    } else if (equals(key, negative_text_key)) {
        recipe->request.negative_prompt = store(reader, value);
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

/* A name that is longer than any that is known counts as unknown. */
static void copy_name(char name[64], Span value)
{
    snprintf(name, 64, "%.*s", value.bytes < 64 ? (int)value.bytes : 63, value.at);
}

/* Older versions wrote sampler and schedule as one: "DPM++ 2M Karras", "DPM++ SDE SGM Uniform". */
static bool part_name(char *both, EngineRequest *request)
{
    for (char *space = strchr(both, ' '); space; space = strchr(space + 1, ' ')) {
        EngineSampler sampler;
        *space = '\0';
        if (engine_sampler_from_name(both, &sampler) &&
            schedule_from_label(space + 1, &request->schedule)) {
            request->sampler = sampler;
            return true;
        }
        *space = ' ';
    }
    return false;
}

static void take_sampler(Reader *reader)
{
    Recipe        *recipe = reader->recipe;
    EngineRequest *request = &recipe->request;
    char           sampler[64], schedule[64];
    copy_name(sampler, reader->sampler);
    copy_name(schedule, reader->schedule);
    if (reader->sampler.bytes && engine_sampler_from_name(sampler, &request->sampler)) {
        if (!*schedule || strcmp(schedule, "Automatic") == 0)
            request->schedule = own_schedule(request->sampler);
    } else if (reader->sampler.bytes && (*schedule || !part_name(sampler, request))) {
        note(recipe, "The sampler \"%.*s\" is not known here.", shown_bytes(reader->sampler),
             reader->sampler.at);
    }
    if (*schedule && strcmp(schedule, "Automatic") != 0 &&
        !schedule_from_label(schedule, &request->schedule))
        note(recipe, "The schedule \"%.*s\" is not known here.", shown_bytes(reader->schedule),
             reader->schedule.at);
}

static int count_pairs(Span line, int most)
{
    Span key, value;
    int  pairs = 0;
    while (pairs < most && next_pair(&line, &key, &value))
        pairs++;
    return pairs;
}

static bool begins(Span text, const char *word)
{
    size_t bytes = strlen(word);
    return text.bytes >= bytes && memcmp(text.at, word, bytes) == 0;
}

/* Takes the settings off the end of text: from the last line that begins with "Steps: " and holds
 * three pairs or more, for what an extension wrote behind them may have line breaks; else the last
 * line, if it holds as many. */
static Span take_settings(Span *text)
{
    size_t begin = text->bytes, last = SIZE_MAX;
    for (;;) {
        size_t end = begin;
        while (begin > 0 && text->at[begin - 1] != '\n')
            begin--;
        Span line = { text->at + begin, end - begin };
        if ((last == SIZE_MAX || begins(strip(line), "Steps: ")) && count_pairs(line, 3) == 3) {
            last = begin;
            if (begins(strip(line), "Steps: "))
                break;
        } else if (last == SIZE_MAX) {
            last = text->bytes; /* the last line holds none */
        }
        if (begin == 0)
            break;
        begin--;
    }
    Span settings = { text->at + last, text->bytes - last };
    text->bytes = last == 0 ? 0 : last == text->bytes ? last : last - 1;
    return settings;
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
    /* What is left out is as usual. */
    for (int i = 0; i < REQUEST_SETTING_COUNT; i++) {
        const RequestSetting *setting = &request_settings[i];
        if (setting->key && !setting->always && setting->group != REQUEST_PICTURE)
            request_setting_set(&recipe->request, setting, setting->usual);
    }
    if (all.bytes && all.at[0] == '{' && !line.bytes && recipe_json_is(all.at, all.bytes))
        return recipe_json_read(recipe, &reader.storage, all.at, all.bytes, error);
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
