/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "options.h"

#include "../base/number.h"

#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    OPTION_MASK = 256, OPTION_LEFT, OPTION_RIGHT, OPTION_TOP, OPTION_BOTTOM, OPTION_WIDTH,
    OPTION_HEIGHT, OPTION_STEPS, OPTION_SAMPLER, OPTION_SCHEDULE, OPTION_CFG, OPTION_IMAGE_CFG,
    OPTION_CFG_RESCALE, OPTION_STRENGTH, OPTION_SEED, OPTION_COUNT, OPTION_NOISE, OPTION_CLIP_SKIP,
    OPTION_THREADS, OPTION_JSON, OPTION_SAVE_STAGES, OPTION_VAE, OPTION_TAESD, OPTION_PREDICTION,
    OPTION_INTENT, OPTION_EDGE, OPTION_CONTEXT, OPTION_TILE, OPTION_NO_COLOUR_MATCH,
    OPTION_KEEP_TRANSPARENCY, OPTION_QUIET, OPTION_PARAMETERS, OPTION_LAYER, OPTION_ESTIMATE,
    OPTION_VERSION,
};

static const struct option long_options[] = {
    { "model", required_argument, NULL, 'm' },
    { "prompt", required_argument, NULL, 'p' },
    { "negative", required_argument, NULL, 'n' },
    { "negative-prompt", required_argument, NULL, 'n' },
    { "input", required_argument, NULL, 'i' },
    { "output", required_argument, NULL, 'o' },
    { "help", no_argument, NULL, 'h' },
    { "mask", required_argument, NULL, OPTION_MASK },
    { "left", required_argument, NULL, OPTION_LEFT },
    { "right", required_argument, NULL, OPTION_RIGHT },
    { "top", required_argument, NULL, OPTION_TOP },
    { "bottom", required_argument, NULL, OPTION_BOTTOM },
    { "width", required_argument, NULL, OPTION_WIDTH },
    { "height", required_argument, NULL, OPTION_HEIGHT },
    { "steps", required_argument, NULL, OPTION_STEPS },
    { "sampler", required_argument, NULL, OPTION_SAMPLER },
    { "schedule", required_argument, NULL, OPTION_SCHEDULE },
    { "cfg", required_argument, NULL, OPTION_CFG },
    { "image-cfg", required_argument, NULL, OPTION_IMAGE_CFG },
    { "cfg-rescale", required_argument, NULL, OPTION_CFG_RESCALE },
    { "strength", required_argument, NULL, OPTION_STRENGTH },
    { "seed", required_argument, NULL, OPTION_SEED },
    { "count", required_argument, NULL, OPTION_COUNT },
    { "noise", required_argument, NULL, OPTION_NOISE },
    { "clip-skip", required_argument, NULL, OPTION_CLIP_SKIP },
    { "threads", required_argument, NULL, OPTION_THREADS },
    { "json", no_argument, NULL, OPTION_JSON },
    { "save-stages", required_argument, NULL, OPTION_SAVE_STAGES },
    { "vae", required_argument, NULL, OPTION_VAE },
    { "taesd", required_argument, NULL, OPTION_TAESD },
    { "prediction", required_argument, NULL, OPTION_PREDICTION },
    { "intent", required_argument, NULL, OPTION_INTENT },
    { "edge", required_argument, NULL, OPTION_EDGE },
    { "edge-mode", required_argument, NULL, OPTION_EDGE },
    { "context", required_argument, NULL, OPTION_CONTEXT },
    { "tile", required_argument, NULL, OPTION_TILE },
    { "no-colour-match", no_argument, NULL, OPTION_NO_COLOUR_MATCH },
    { "keep-transparency", no_argument, NULL, OPTION_KEEP_TRANSPARENCY },
    { "quiet", no_argument, NULL, OPTION_QUIET },
    { "parameters", no_argument, NULL, OPTION_PARAMETERS },
    { "layer", no_argument, NULL, OPTION_LAYER },
    { "estimate", no_argument, NULL, OPTION_ESTIMATE },
    { "version", no_argument, NULL, OPTION_VERSION },
    { 0 },
};

static bool read_number(double *value, const char *name, double least, double most,
                        EngineError *error)
{
    double number = 0;
    if (!number_parse(optarg, strlen(optarg), &number) || number < least || number > most) {
        char low[32], high[32];
        number_format(low, least);
        number_format(high, most);
        return fail(error, ENGINE_BAD_REQUEST, "--%s takes a number from %s to %s, not '%s'.", name,
                    low, high, optarg);
    }
    *value = number;
    return true;
}

static bool read_float(float *value, bool *given, const char *name, double least, double most,
                       EngineError *error)
{
    double number = 0;
    if (!read_number(&number, name, least, most, error))
        return false;
    *value = (float)number;
    *given = true;
    return true;
}

/* Digits to a number, exact to 64 bits (a seed does not fit a double). */
static bool read_digits(const char *at, uint64_t *number)
{
    *number = 0;
    if (*at == '\0')
        return false;
    for (; *at; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (*at < '0' || *at > '9' || *number > (UINT64_MAX - digit) / 10)
            return false;
        *number = *number * 10 + digit;
    }
    return true;
}

/* Any seed, or -1: a random one. */
static bool read_seed(Options *options, EngineError *error)
{
    options->has_seed = read_digits(optarg, &options->seed);
    return options->has_seed || strcmp(optarg, "-1") == 0 ||
           fail(error, ENGINE_BAD_REQUEST,
                "--seed takes a whole number from 0 to 18446744073709551615, or -1 for a random one, "
                "not '%s'.",
                optarg);
}

static bool read_int(int *value, const char *name, int least, int most, EngineError *error)
{
    uint64_t number;
    if (!read_digits(optarg, &number) || number < (uint64_t)least || number > (uint64_t)most)
        return fail(error, ENGINE_BAD_REQUEST, "--%s takes a whole number from %d to %d, not '%s'.",
                    name, least, most, optarg);
    *value = (int)number;
    return true;
}

static bool read_amount(Amount *amount, const char *name, EngineError *error)
{
    size_t length = strlen(optarg);
    amount->percent = length && optarg[length - 1] == '%';
    if (!number_parse(optarg, length - amount->percent, &amount->value) || amount->value < 0 ||
        amount->value > 65536)
        return fail(error, ENGINE_BAD_REQUEST,
                    "--%s takes pixels (128) or a share of the side (25%%), not '%s'.", name,
                    optarg);
    return true;
}

/* The index of optarg in a list of names that ends with NULL. */
static bool read_choice(int *value, const char *name, const char *const *choices,
                        EngineError *error)
{
    char list[256] = "";
    for (int i = 0; choices[i]; i++) {
        if (strcmp(choices[i], optarg) == 0) {
            *value = i;
            return true;
        }
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", choices[i]);
    }
    return fail(error, ENGINE_BAD_REQUEST, "--%s takes one of %s, not '%s'.", name, list, optarg);
}

static bool read_sampler(Options *options, EngineError *error)
{
    options->has_sampler = true;
    if (engine_sampler_from_name(optarg, &options->sampler))
        return true;
    char list[256] = "";
    for (int i = 0; i < ENGINE_SAMPLER_COUNT; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "",
                 engine_sampler_name((EngineSampler)i));
    }
    return fail(error, ENGINE_BAD_REQUEST, "--sampler takes one of %s, not '%s'.", list, optarg);
}

static bool read_schedule(Options *options, EngineError *error)
{
    options->has_schedule = true;
    if (engine_schedule_from_name(optarg, &options->schedule))
        return true;
    char list[256] = "";
    for (int i = 0; i < ENGINE_SCHEDULE_COUNT; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "",
                 engine_schedule_name((EngineSchedule)i));
    }
    return fail(error, ENGINE_BAD_REQUEST, "--schedule takes one of %s, not '%s'.", list, optarg);
}

static bool read_context(Options *options, EngineError *error)
{
    static const char *const choices[] = { "auto", "selection", "whole", NULL };
    double                   pixels;
    if (number_parse(optarg, strlen(optarg), &pixels) && pixels >= 0 && pixels <= 65536) {
        options->context = EDIT_CONTEXT_PIXELS;
        options->context_pixels = (int)pixels;
        return true;
    }
    int choice;
    if (!read_choice(&choice, "context", choices, error))
        return false;
    options->context = (EditContext)choice;
    return true;
}

static bool read_option(Options *options, int option, EngineError *error)
{
    static const char *const noises[] = { "gpu", "cpu", NULL };
    static const char *const predictions[] = { "auto", "epsilon", "v", NULL };
    static const char *const intents[] = { "fill", "add", "remove", "refine", "background",
                                           "expand", NULL };
    static const char *const edges[] = { "blend", "keep-inside", "as-drawn", NULL };
    static const char *const tiles[] = { "x", "y", "xy", NULL };
    int                      choice = 0;
    switch (option) {
    case 'm': options->model = optarg; return true;
    case 'p': options->prompt = optarg; return true;
    case 'n': options->negative_prompt = optarg; return true;
    case 'i': options->input = optarg; return true;
    case 'o': options->output = optarg; return true;
    case 'h': options->help = true; return true;
    case OPTION_MASK: options->mask = optarg; return true;
    case OPTION_LEFT: return read_amount(&options->left, "left", error);
    case OPTION_RIGHT: return read_amount(&options->right, "right", error);
    case OPTION_TOP: return read_amount(&options->top, "top", error);
    case OPTION_BOTTOM: return read_amount(&options->bottom, "bottom", error);
    case OPTION_WIDTH:
        options->has_width = true;
        return read_int(&options->width, "width", 1, INT_MAX, error);
    case OPTION_HEIGHT:
        options->has_height = true;
        return read_int(&options->height, "height", 1, INT_MAX, error);
    case OPTION_STEPS:
        options->has_steps = true;
        return read_int(&options->steps, "steps", 1, 1000, error);
    case OPTION_SAMPLER: return read_sampler(options, error);
    case OPTION_SCHEDULE: return read_schedule(options, error);
    case OPTION_CFG: return read_float(&options->cfg, &options->has_cfg, "cfg", 0, 100, error);
    case OPTION_IMAGE_CFG:
        return read_float(&options->image_cfg, &options->has_image_cfg, "image-cfg", 0, 100, error);
    case OPTION_CFG_RESCALE:
        return read_float(&options->cfg_rescale, &options->has_cfg_rescale, "cfg-rescale", 0, 1,
                          error);
    case OPTION_STRENGTH:
        return read_float(&options->strength, &options->has_strength, "strength", 0, 1, error);
    case OPTION_SEED: return read_seed(options, error);
    case OPTION_COUNT: return read_int(&options->count, "count", 1, 64, error);
    case OPTION_CLIP_SKIP: return read_int(&options->clip_skip, "clip-skip", 0, 100, error);
    case OPTION_THREADS: return read_int(&options->threads, "threads", 0, 1024, error);
    case OPTION_NOISE:
        if (!read_choice(&choice, "noise", noises, error))
            return false;
        options->noise = choice == 0 ? ENGINE_NOISE_GPU : ENGINE_NOISE_CPU;
        return true;
    case OPTION_PREDICTION:
        if (!read_choice(&choice, "prediction", predictions, error))
            return false;
        options->prediction = (EnginePrediction)choice;
        return true;
    case OPTION_INTENT:
        if (!read_choice(&choice, "intent", intents, error))
            return false;
        options->intent = (EditIntent)choice;
        options->has_intent = true;
        return true;
    case OPTION_EDGE:
        if (!read_choice(&choice, "edge-mode", edges, error))
            return false;
        options->edge = (EditEdge)choice;
        return true;
    case OPTION_TILE:
        if (!read_choice(&choice, "tile", tiles, error))
            return false;
        options->tile_x = choice != 1;
        options->tile_y = choice != 0;
        return true;
    case OPTION_CONTEXT: return read_context(options, error);
    case OPTION_SAVE_STAGES: options->save_stages = optarg; return true;
    case OPTION_VAE: options->vae = optarg; return true;
    case OPTION_TAESD: options->taesd = optarg; return true;
    case OPTION_JSON: options->json = true; return true;
    case OPTION_NO_COLOUR_MATCH: options->no_colour_match = true; return true;
    case OPTION_KEEP_TRANSPARENCY: options->keep_transparency = true; return true;
    case OPTION_QUIET: options->quiet = true; return true;
    case OPTION_PARAMETERS: options->parameters = true; return true;
    case OPTION_LAYER: options->layer = true; return true;
    case OPTION_ESTIMATE: options->estimate = true; return true;
    case OPTION_VERSION: options->version = true; return true;
    }
    return fail(error, ENGINE_BAD_REQUEST,
                "Option '%s' is not known or lacks its value; 'diffuse --help' lists them all.",
                option == '?' || option == ':' ? "given" : "?");
}

bool options_read(Options *options, int argc, char **argv, EngineError *error)
{
    *options = (Options){ .count = 1 };
    opterr = 0;
    int option;
    for (;;) {
        option = getopt_long(argc, argv, ":m:p:n:i:o:h", long_options, NULL);
        if (option == -1)
            break;
        if (option == ':')
            return fail(error, ENGINE_BAD_REQUEST, "Option '%s' lacks its value.", argv[optind - 1]);
        if (option == '?')
            return fail(error, ENGINE_BAD_REQUEST,
                        "Option '%s' is not known; 'diffuse --help' lists them all.",
                        argv[optind - 1]);
        if (!read_option(options, option, error))
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

static const char overview[] =
    "diffuse: Stable Diffusion pictures from the command line, without server or Python\n"
    "\n"
    "  diffuse txt2img  -p \"a red apple on a blue background\" -o apple.png\n"
    "  diffuse img2img  in.png -p \"a painting of it\" --strength 0.6 -o out.png\n"
    "  diffuse inpaint  in.png --mask mask.png -p \"a cat\" -o out.png\n"
    "  diffuse outpaint in.png --right 25% -p \"the sea\" -o out.png\n"
    "  diffuse instruct in.png -p \"make it winter\" -m ip2p.safetensors -o out.png\n"
    "  diffuse seams    in.png -p \"a brick wall\" -o out.png   makes a picture tileable\n"
    "  diffuse inspect  model.safetensors      what is this file?\n"
    "  diffuse tokens   -p \"some text\"         the ids that the model reads, one line a chunk\n"
    "  diffuse eval     MODEL IN.safetensors OUT.safetensors   single networks, for comparison\n"
    "\n"
    "'diffuse COMMAND --help' explains a command.  Without -m the demo checkpoint that ships with\n"
    "the project is used: a small one, trained on simple drawn things.\n";

static const char common_help[] =
    "What to make\n"
    "  -m, --model FILE        a .safetensors checkpoint or a diffusers folder\n"
    "  -p, --prompt TEXT       (a:1.2) (a) [a] BREAK [from:to:when] [a|b] are understood\n"
    "  -n, --negative TEXT     what should not be there\n"
    "  -o, --output FILE.png   default out.png; with --count N also FILE-2.png … FILE-N.png\n"
    "      --seed N            default random (it is printed); picture i has seed N + i - 1\n"
    "      --count N           pictures to make, 1 to 64\n"
    "How\n"
    "      --steps N           1 to 1000; default 20\n"
    "      --sampler NAME      euler, euler_a, heun, dpm2, dpmpp_2m (default), dpmpp_2m_sde,\n"
    "                          dpmpp_sde, unipc, ddim, lcm\n"
    "      --schedule NAME     normal, karras (default), exponential, simple, sgm_uniform,\n"
    "                          ddim_uniform, beta\n"
    "      --cfg X             guidance scale, default 7; 1 leaves the negative prompt out\n"
    "      --cfg-rescale X     0 to 1, default 0: takes overexposure out of strong guidance\n"
    "      --noise gpu|cpu     where A1111 would have made its noise; default gpu\n"
    "      --clip-skip N       1 the text encoder's last layer, 2 the one before …\n"
    "      --prediction auto|epsilon|v    when a file does not say it, or says it wrong\n"
    "      --vae FILE, --taesd FILE       a VAE in place of the model's; a small one for previews\n"
    "      --tile x|y|xy       opposite edges fit together\n"
    "      --threads N         default all; the picture is the same for any number\n"
    "Reports\n"
    "      --estimate          memory and time only, nothing is made\n"
    "      --json              one JSON object on standard output\n"
    "      --parameters        writes prompt and settings into the PNG (A1111's format)\n"
    "      --save-stages FILE  noise, conditions and latents of every step, as safetensors\n"
    "      --quiet             no progress bar\n";

static const char edit_help[] =
    "Editing\n"
    "  -i, --input FILE.png    the picture (or its name right after the command)\n"
    "      --strength X        0 keeps it, 1 makes it new\n"
    "      --context auto|selection|whole|PIXELS   how much around the mask the model sees\n"
    "      --edge-mode blend|keep-inside|as-drawn  what happens at the mask's edge\n"
    "      --intent fill|add|remove|refine|background   what the place should become\n"
    "      --no-colour-match   leaves the colours as the model made them\n"
    "      --keep-transparency the result is as transparent as the picture was\n"
    "      --layer             writes only what is new, as a transparent layer of the same size\n";

void options_print_help(const char *command)
{
    if (!command) {
        fputs(overview, stdout);
        return;
    }
    if (strcmp(command, "inspect") == 0) {
        puts("diffuse inspect FILE [--json]\n\n"
             "Says what a .safetensors file (or a diffusers folder) is, from its header alone.\n"
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
    bool text = strcmp(command, "txt2img") == 0;
    printf("diffuse %s %s[options]\n\n", command, text ? "" : "IN.png ");
    fputs(common_help, stdout);
    if (text) {
        fputs("Size\n"
              "      --width N, --height N   multiples of 8; default the model's native size\n",
              stdout);
        return;
    }
    fputs(edit_help, stdout);
    if (strcmp(command, "inpaint") == 0)
        puts("      --mask MASK.png     white is repainted, black kept, grey in between");
    if (strcmp(command, "outpaint") == 0)
        puts("      --left, --right, --top, --bottom AMOUNT   pixels (128) or a share (25%);\n"
             "                          none: the picture's own transparent border is filled");
    if (strcmp(command, "instruct") == 0)
        puts("      --mask MASK.png     where the instruction holds; default everywhere\n"
             "      --image-cfg X       how closely the picture is kept, default 1.5");
}
