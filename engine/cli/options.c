/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "options.h"

#include "../base/number.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* ---- what there is ------------------------------------------------------------------------- */

typedef enum {
    OPTION_TEXT,    /* const char * */
    OPTION_FLAG,    /* bool */
    OPTION_CHOICE,  /* int, by name */
    OPTION_AMOUNT,  /* Amount */
    OPTION_THREADS, /* int */
    OPTION_PIXELS,  /* int, of a mask's width */
    OPTION_CONTEXT, /* a choice, or pixels */
} OptionKind;

/* The parts of a page of help. */
typedef enum {
    PART_MAKE, PART_HOW, PART_REPORTS, PART_SIZE, PART_EDITING, PART_MASK, PART_SIDES, PART_HIDDEN
} Part;

typedef struct {
    const char   *name;
    char          letter; /* 0: none */
    OptionKind    kind;
    Part          part;
    size_t        offset; /* in Options */
    const Choice *choices;
    const char   *argument, *help;
} Option;

#define FIELD(name) offsetof(Options, name)

/* What is no setting of the request; those have their own table (request_settings.h). */
static const Option own_options[] = {
    { "model", 'm', OPTION_TEXT, PART_MAKE, FIELD(model), NULL, "FILE",
      "a .safetensors checkpoint or a diffusers folder" },
    { "prompt", 'p', OPTION_TEXT, PART_MAKE, FIELD(prompt), NULL, "TEXT",
      "(a:1.2) (a) [a] BREAK [from:to:when] [a|b] are understood" },
    { "negative", 'n', OPTION_TEXT, PART_MAKE, FIELD(negative_prompt), NULL, "TEXT",
      "what should not be there" },
    { "negative-prompt", 0, OPTION_TEXT, PART_HIDDEN, FIELD(negative_prompt), NULL, NULL, NULL },
    { "output", 'o', OPTION_TEXT, PART_MAKE, FIELD(output), NULL, "FILE",
      "default out.png; .png, .jpg or .webp; with --count N also FILE-2.png … FILE-N.png; - is "
      "standard output" },
    { "prediction", 0, OPTION_CHOICE, PART_HOW, FIELD(prediction), choices_predictions, "NAME",
      "when a file does not say it, or says it wrong" },
    { "vae", 0, OPTION_TEXT, PART_HOW, FIELD(vae), NULL, "FILE", "a VAE in place of the model's" },
    { "text-encoder", 0, OPTION_TEXT, PART_HOW, FIELD(text_encoder), NULL, "FILE",
      "a text encoder in place of the model's, also another checkpoint's" },
    { "taesd", 0, OPTION_TEXT, PART_HOW, FIELD(taesd), NULL, "FILE", "a small VAE for previews" },
    { "threads", 0, OPTION_THREADS, PART_HOW, FIELD(threads), NULL, "N",
      "default all; the picture is the same for any number" },
    { "estimate", 0, OPTION_FLAG, PART_REPORTS, FIELD(estimate), NULL, NULL,
      "memory and time only, nothing is made" },
    { "json", 0, OPTION_FLAG, PART_REPORTS, FIELD(json), NULL, NULL,
      "one JSON object on standard output" },
    { "parameters", 0, OPTION_FLAG, PART_REPORTS, FIELD(parameters), NULL, NULL,
      "writes prompt and settings into the picture (A1111's format)" },
    { "save-stages", 0, OPTION_TEXT, PART_REPORTS, FIELD(save_stages), NULL, "FILE",
      "noise, conditions and latents of every step, as safetensors" },
    { "quiet", 0, OPTION_FLAG, PART_REPORTS, FIELD(quiet), NULL, NULL, "no progress bar" },
    { "input", 'i', OPTION_TEXT, PART_EDITING, FIELD(input), NULL, "FILE",
      "the picture: PNG, JPEG or WebP (or its name right after the command)" },
    { "context", 0, OPTION_CONTEXT, PART_EDITING, FIELD(context), NULL, "NAME",
      "how much around the mask the model sees: auto, selection, whole, or a number of pixels" },
    { "edge-mode", 0, OPTION_CHOICE, PART_EDITING, FIELD(edge), choices_edges, "NAME",
      "the result fades across the mask's edge, or inside it, or follows its grey" },
    { "edge-width", 0, OPTION_PIXELS, PART_EDITING, FIELD(edge_width), NULL, "PIXELS",
      "over how many the result fades at the mask's edge, half of them outside (keep-inside: none); "
      "default 2.5 % of its size, 16 to 64" },
    { "feather", 0, OPTION_PIXELS, PART_EDITING, FIELD(feather), NULL, "PIXELS",
      "how softly the change begins around the mask, where the result is not laid; default 10 % of "
      "its size, 32 to 96" },
    { "grow", 0, OPTION_PIXELS, PART_EDITING, FIELD(grow), NULL, "PIXELS",
      "makes the mask larger first; default 0" },
    { "edge", 0, OPTION_CHOICE, PART_HIDDEN, FIELD(edge), choices_edges, NULL, NULL },
    { "intent", 0, OPTION_CHOICE, PART_EDITING, FIELD(intent), choices_intents, "NAME",
      "what the place should become" },
    { "no-colour-match", 0, OPTION_FLAG, PART_EDITING, FIELD(no_colour_match), NULL, NULL,
      "leaves the colours as the model made them; else they follow what is kept of the picture" },
    { "keep-transparency", 0, OPTION_FLAG, PART_EDITING, FIELD(keep_transparency), NULL, NULL,
      "the result is exactly as transparent as the picture was; without it what is repainted is opaque" },
    { "layer", 0, OPTION_FLAG, PART_EDITING, FIELD(layer), NULL, NULL,
      "writes only what is new, as a transparent layer of the same size" },
    { "mask", 0, OPTION_TEXT, PART_MASK, FIELD(mask), NULL, "FILE",
      "where it may paint: white all of it, black nothing, grey in between; inpaint without it paints "
      "what is transparent" },
    { "left", 0, OPTION_AMOUNT, PART_SIDES, FIELD(left), NULL, "AMOUNT",
      "pixels (128) or a share of the side (25%) to add" },
    { "right", 0, OPTION_AMOUNT, PART_SIDES, FIELD(right), NULL, "AMOUNT", "the same" },
    { "top", 0, OPTION_AMOUNT, PART_SIDES, FIELD(top), NULL, "AMOUNT", "the same" },
    { "bottom", 0, OPTION_AMOUNT, PART_SIDES, FIELD(bottom), NULL, "AMOUNT",
      "the same; a clear border of the picture is filled beside them, and all of it without all four" },
    { "help", 'h', OPTION_FLAG, PART_HIDDEN, FIELD(help), NULL, NULL, NULL },
    { "version", 0, OPTION_FLAG, PART_HIDDEN, FIELD(version), NULL, NULL, NULL },
};

enum { OWN_COUNT = sizeof own_options / sizeof *own_options };

/* ---- reading --------------------------------------------------------------------------------- */

static bool read_setting(Options *options, size_t index, const char *text, EngineError *error)
{
    const RequestSetting *setting = &request_settings[index];
    char                  range[320];
    options->has[index] = true;
    if (setting->type == REQUEST_SEED && strcmp(text, "-1") == 0) { /* as A1111 spells it */
        options->has[index] = false;
        return true;
    }
    if (request_setting_read(&options->request, setting, text, strlen(text)))
        return true;
    request_setting_range(range, sizeof range, setting);
    return fail(error, ENGINE_BAD_REQUEST, "--%s takes %s%s, not '%s'.", setting->option, range,
                setting->type == REQUEST_SEED ? ", or -1 for a random one" : "", text);
}

static bool read_amount(Amount *amount, const char *name, const char *text, EngineError *error)
{
    size_t length = strlen(text);
    amount->percent = length && text[length - 1] == '%';
    if (!number_parse(text, length - amount->percent, &amount->value) || amount->value < 0 ||
        amount->value > 65536)
        return fail(error, ENGINE_BAD_REQUEST,
                    "--%s takes pixels (128) or a share of the side (25%%), not '%s'.", name, text);
    return true;
}

static bool read_choice(int *value, const char *name, const Choice *choices, const char *text,
                        EngineError *error)
{
    char list[256];
    if (choice_find(choices, text, value))
        return true;
    choice_list(list, sizeof list, choices);
    return fail(error, ENGINE_BAD_REQUEST, "--%s takes one of %s, not '%s'.", name, list, text);
}

static bool read_threads(int *threads, const char *text, EngineError *error)
{
    uint64_t number;
    if (!number_parse_whole(text, strlen(text), &number) || number > 1024)
        return fail(error, ENGINE_BAD_REQUEST,
                    "--threads takes a whole number from 0 to 1024, not '%s'.", text);
    *threads = (int)number;
    return true;
}

static bool read_pixels(int *pixels, const char *name, const char *text, EngineError *error)
{
    uint64_t number;
    if (!number_parse_whole(text, strlen(text), &number) || number > EDIT_MAX_WIDTH)
        return fail(error, ENGINE_BAD_REQUEST, "--%s takes pixels from 0 to %d, not '%s'.", name,
                    EDIT_MAX_WIDTH, text);
    *pixels = (int)number;
    return true;
}

static bool read_context(Options *options, const char *text, EngineError *error)
{
    uint64_t pixels;
    if (number_parse_whole(text, strlen(text), &pixels) && pixels <= 65536) {
        options->context = EDIT_CONTEXT_PIXELS;
        options->context_pixels = (int)pixels;
        return true;
    }
    return (choice_find(choices_contexts, text, &options->context) &&
            options->context != EDIT_CONTEXT_PIXELS) ||
           fail(error, ENGINE_BAD_REQUEST,
                "--context takes auto, selection, whole, or pixels from 0 to 65536, not '%s'.",
                text);
}

static bool read_own(Options *options, const Option *option, EngineError *error)
{
    void *field = (char *)options + option->offset;
    switch (option->kind) {
    case OPTION_TEXT: memcpy(field, &optarg, sizeof optarg); return true;
    case OPTION_FLAG: *(bool *)field = true; return true;
    case OPTION_CHOICE: return read_choice(field, option->name, option->choices, optarg, error);
    case OPTION_AMOUNT: return read_amount(field, option->name, optarg, error);
    case OPTION_PIXELS: return read_pixels(field, option->name, optarg, error);
    case OPTION_THREADS: return read_threads(field, optarg, error);
    case OPTION_CONTEXT: return read_context(options, optarg, error);
    }
    return true;
}

/* Both tables as getopt wants them: options without a letter count from FIRST_CODE. */
enum { FIRST_CODE = 256, LETTERS = 3 * OWN_COUNT + 2 };

static void make_getopt(struct option *long_options, char *letters)
{
    size_t count = 0;
    *letters++ = ':'; /* tells a value that is missing from an option that is not there */
    for (int i = 0; i < OWN_COUNT; i++) {
        const Option *own = &own_options[i];
        int           argument = own->kind == OPTION_FLAG ? no_argument : required_argument;
        long_options[count++] = (struct option){ own->name, argument, NULL, FIRST_CODE + i };
        if (!own->letter)
            continue;
        *letters++ = own->letter;
        if (argument == required_argument)
            *letters++ = ':';
    }
    *letters = '\0';
    for (int i = 0; i < REQUEST_SETTING_COUNT; i++)
        long_options[count++] = (struct option){ request_settings[i].option, required_argument, NULL,
                                                 FIRST_CODE + OWN_COUNT + i };
    long_options[count] = (struct option){ 0 };
}

static bool read_option(Options *options, int code, EngineError *error)
{
    if (code >= FIRST_CODE + OWN_COUNT)
        return read_setting(options, (size_t)(code - FIRST_CODE - OWN_COUNT), optarg, error);
    for (int i = 0; i < OWN_COUNT; i++)
        if (code == FIRST_CODE + i || code == own_options[i].letter)
            return read_own(options, &own_options[i], error);
    return true;
}

bool options_read(Options *options, int argc, char **argv, EngineError *error)
{
    struct option long_options[OWN_COUNT + REQUEST_SETTING_COUNT + 1];
    char          letters[LETTERS];
    *options = (Options){ .intent = -1, .feather = -1, .grow = -1, .edge_width = -1 };
    make_getopt(long_options, letters);
    opterr = 0;
    for (;;) {
        int code = getopt_long(argc, argv, letters, long_options, NULL);
        if (code == -1)
            break;
        if (code == ':')
            return fail(error, ENGINE_BAD_REQUEST, "Option '%s' lacks its value.", argv[optind - 1]);
        if (code == '?')
            return fail(error, ENGINE_BAD_REQUEST,
                        "Option '%s' is not known; 'diffuse --help' lists them all.",
                        argv[optind - 1]);
        if (!read_option(options, code, error))
            return false;
    }
    if (optind < argc)
        options->command = argv[optind++];
    while (optind < argc) {
        if (options->argument_count == 3)
            return fail(error, ENGINE_BAD_REQUEST, "'%s' is one word too many.", argv[optind]);
        options->arguments[options->argument_count++] = argv[optind++];
    }
    return true;
}

bool options_has(const Options *options, size_t offset)
{
    return options->has[request_setting_of(offset) - request_settings];
}

/* ---- help ------------------------------------------------------------------------------------ */

static const char overview[] =
    "diffuse: Stable Diffusion pictures from the command line, without server or Python\n"
    "\n"
    "  diffuse txt2img  -p \"a red apple on a blue background\" -o apple.png\n"
    "  diffuse img2img  in.png -p \"a painting of it\" --strength 0.6 -o out.png\n"
    "  diffuse inpaint  in.png --mask mask.png -p \"a cat\" -o out.png\n"
    "  diffuse outpaint in.png --right 25% -p \"the sea\" -o out.png\n"
    "  diffuse instruct in.png -p \"make it night\" -o out.png\n"
    "  diffuse seams    in.png -p \"a brick wall\" -o out.png   makes a picture tileable\n"
    "  diffuse inspect  model.safetensors      what is this file?\n"
    "  diffuse tokens   -p \"some text\"         the ids that the model reads, one line a chunk\n"
    "  diffuse eval     MODEL IN.safetensors OUT.safetensors   single networks, for comparison\n"
    "\n"
    "'diffuse COMMAND --help' explains a command.  Without -m the demo that ships with the\n"
    "project is used: two small checkpoints that draw simple things and follow simple instructions.\n";


enum { HELP_COLUMN = 26, HELP_WIDTH = 100 };

/* Columns that text takes, in a terminal of UTF-8. */
static int columns_of(const char *text, size_t bytes)
{
    int columns = 0;
    for (size_t i = 0; i < bytes; i++)
        columns += (text[i] & 0xc0) != 0x80;
    return columns;
}

/* "  -m, --model FILE        what it is", with what does not fit on lines of its own. */
static void print_entry(char letter, const char *name, const char *argument, const char *help)
{
    char head[64], shown[8] = "   ";
    if (letter)
        snprintf(shown, sizeof shown, "-%c,", letter);
    snprintf(head, sizeof head, "  %s --%s%s%s ", shown, name, argument ? " " : "",
             argument ? argument : "");
    int at = printf("%-*s", HELP_COLUMN, head);
    while (*help) {
        size_t word = strcspn(help, " ");
        if (at > HELP_COLUMN && at + 1 + columns_of(help, word) > HELP_WIDTH)
            at = printf("\n%*s", HELP_COLUMN, "") - 1;
        at += printf("%s", at > HELP_COLUMN ? " " : "");
        printf("%.*s", (int)word, help);
        at += columns_of(help, word);
        help += word + strspn(help + word, " ");
    }
    putchar('\n');
}

static void print_own(const Option *own)
{
    char text[512], list[256] = "";
    if (own->choices)
        choice_list(list, sizeof list, own->choices);
    snprintf(text, sizeof text, "%s%s%s", own->help, own->choices ? ": " : "", list);
    print_entry(own->letter, own->name, own->argument, text);
}

/* The row's words, then what it may be and what it is by default: "1 to 1000, default 20". */
static void print_setting(const RequestSetting *setting)
{
    char          text[512], range[320] = "", usual[64];
    EngineRequest request = { 0 };
    request_setting_set(&request, setting, setting->usual);
    request_setting_write(usual, sizeof usual, &request, setting, true);
    if (setting->type != REQUEST_SEED)
        request_setting_range(range, sizeof range, setting);
    const char *from = strstr(range, "from "), *of = strstr(range, "one of ");
    bool        said = setting->help && strstr(setting->help, "default");
    snprintf(text, sizeof text, "%s%s%s%s%s", setting->help ? setting->help : "",
             setting->help && *range ? "; " : "", from ? from + 5 : of ? of + 7 : range,
             said ? "" : setting->choices ? "; default " : ", default ", said ? "" : usual);
    print_entry(0, setting->option, setting->argument, text);
}

static void print_part(const char *title, Part part, int group)
{
    if (title)
        puts(title);
    for (int i = 0; i < OWN_COUNT; i++)
        if (own_options[i].part == part)
            print_own(&own_options[i]);
    for (int i = 0; i < REQUEST_SETTING_COUNT; i++)
        if ((int)request_settings[i].group == group)
            print_setting(&request_settings[i]);
}

void options_print_help(const char *command)
{
    if (!command) {
        fputs(overview, stdout);
        return;
    }
    if (strcmp(command, "inspect") == 0) {
        puts("diffuse inspect FILE [--json] [--vae FILE] [--text-encoder FILE]\n\n"
             "Says what a .safetensors file (or a diffusers folder) is, from its header alone: what it\n"
             "predicts and from which noise, the settings it is made for, what it is good for, what it lacks.\n"
             "Exit status 0 for a well-formed file of any kind, 1 with the reason otherwise.");
        return;
    }
    if (strcmp(command, "tokens") == 0) {
        puts("diffuse tokens -p TEXT\n\nPrints the token ids, one line for each chunk of 77.");
        return;
    }
    if (strcmp(command, "eval") == 0) {
        puts("diffuse eval MODEL IN.safetensors OUT.safetensors [--threads N]\n\n"
             "Computes single networks in fp32, for comparison with other implementations:\n"
             "  tokens [n,77], as they are           -> text [n,77,d] (and pooled [n,p])\n"
             "  latents [n,C,h,w] + timesteps [n]\n"
             "    + context [n,t,c] (+ y [n,a])      -> output [n,4,h,w]\n"
             "  z [n,4,h,w]                          -> decoded [n,3,H,W]  (no scaling factor)\n"
             "  image [n,3,H,W]                      -> moments [n,8,h,w]");
        return;
    }
    bool text = strcmp(command, "txt2img") == 0, instruct = strcmp(command, "instruct") == 0;
    printf("diffuse %s %s[options]\n\n", command, text ? "" : "IN.png ");
    print_part("What to make", PART_MAKE, REQUEST_MAKE);
    print_part("How", PART_HOW, REQUEST_HOW);
    print_part("Reports", PART_REPORTS, -1);
    if (text) {
        print_part("Size", PART_SIZE, REQUEST_SIZE);
        return;
    }
    print_part("Editing", PART_EDITING, REQUEST_PICTURE);
    if (strcmp(command, "outpaint") == 0)
        print_part(NULL, PART_SIDES, -1);
    else
        print_part(NULL, PART_MASK, instruct ? REQUEST_INSTRUCT : -1);
}
