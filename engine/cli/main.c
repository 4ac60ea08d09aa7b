/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `diffuse`: the engine without GIMP, for scripts, tests and benchmarks.
 * Exit status: 0 done, 1 failed (one sentence on standard error), 2 wrong usage, 130 interrupted. */
#include "commands.h"

#include "../base/utf8.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

atomic_bool interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    atomic_store(&interrupted, true);
}

void print_json_string(const char *text)
{
    size_t bytes = strlen(text);
    putchar('"');
    for (size_t i = 0; i < bytes;) {
        uint32_t code;
        size_t   length = utf8_length(text + i, bytes - i, &code);
        if (code == '"' || code == '\\')
            printf("\\%c", (int)code);
        else if (length == 0 || code < 0x20 || code == 0x7f)
            printf("\\u%04x", (unsigned)code); /* U+FFFD for what is no UTF-8 */
        else
            printf("%.*s", (int)length, text + i);
        i += length ? length : 1;
    }
    putchar('"');
}

void print_shown(const char *text)
{
    char shown[4096];
    utf8_show(shown, sizeof shown, text);
    fputs(shown, stdout);
}

const char *command_model_path(const Options *options, EngineError *error)
{
    static const char *const places[] = { DEMO_INSTALLED, DEMO_IN_SOURCE };
    if (options->model)
        return options->model;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (access(places[i], R_OK) == 0)
            return places[i];
    fail(error, ENGINE_BAD_REQUEST,
         "No model is given and the demo checkpoint is not at %s; name one with -m FILE.",
         DEMO_INSTALLED);
    return NULL;
}

typedef struct {
    const char *name;
    bool (*run)(const Options *options, EngineError *error);
} Command;

static const Command commands[] = {
    { "txt2img", command_make },    { "img2img", command_make },     { "inpaint", command_make },
    { "outpaint", command_make },   { "instruct", command_make },    { "inspect", command_inspect },
    { "seams", command_make },      { "tokens", command_tokens },    { "eval", command_eval },
};

static const Command *find_command(const char *name)
{
    for (size_t i = 0; name && i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

int main(int argc, char **argv)
{
    Options     options;
    EngineError error = { 0 };
    if (!options_read(&options, argc, argv, &error)) {
        fprintf(stderr, "diffuse: %s\n", error.message);
        return 2;
    }
    const Command *command = find_command(options.command);
    if (options.version) {
        printf("diffuse %s\n", ENGINE_VERSION);
        return 0;
    }
    if (options.help || !options.command) {
        options_print_help(command ? command->name : NULL);
        return options.help ? 0 : 2;
    }
    if (!command) {
        fprintf(stderr, "diffuse: '%s' is no command; 'diffuse --help' lists them.\n",
                options.command);
        return 2;
    }
    struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (!command->run(&options, &error)) {
        fprintf(stderr, "diffuse: %s\n", error.message);
        return error.status == ENGINE_CANCELLED ? 130 : 1;
    }
    if (fflush(stdout) != 0) {
        fprintf(stderr, "diffuse: standard output could not be written.\n");
        return 1;
    }
    return 0;
}
