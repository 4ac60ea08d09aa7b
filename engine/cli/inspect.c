/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `diffuse inspect` and `diffuse tokens`. */
#include "commands.h"

#include "../text/prompt.h"

#include <inttypes.h>
#include <stdio.h>

static void print_json(const char *path, const EngineModelInfo *info)
{
    printf("{\"file\": ");
    print_json_string(path);
    printf(", \"kind\": \"%s\", \"runnable\": %s, \"family\": ",
           choice_label(choices_file_kinds, (int)info->kind), info->runnable ? "true" : "false");
    print_json_string(info->family);
    printf(", \"in_channels\": %d, \"prediction\": \"%s\", \"zero_terminal_snr\": %s, "
           "\"native_width\": %d, \"native_height\": %d, \"precision\": ",
           info->in_channels, info->v_prediction ? "v" : "epsilon",
           info->zero_terminal_snr ? "true" : "false", info->native_width, info->native_height);
    print_json_string(info->precision);
    printf(", \"bytes\": %" PRIu64 ", \"tensors\": %" PRIu64 ", \"parameters\": %" PRIu64
           ", \"title\": ",
           info->file_bytes, info->tensor_count, info->parameter_count);
    print_json_string(info->title);
    printf(", \"summary\": ");
    print_json_string(info->summary);
    printf(", \"reason\": ");
    print_json_string(info->reason);
    printf("}\n");
}

static void print_text(const char *path, const EngineModelInfo *info)
{
    static const char *const channels[] = { [4] = " (base)", [8] = " (InstructPix2Pix)",
                                            [9] = " (inpainting)" };
    printf("%s\n  %s\n", path, info->summary);
    printf("  kind         %s%s\n", choice_label(choices_file_kinds, (int)info->kind),
           info->runnable ? ", ready to use" : "");
    if (info->in_channels) {
        const char *what = info->in_channels == 4 || info->in_channels == 8 ||
                                   info->in_channels == 9
                               ? channels[info->in_channels]
                               : "";
        printf("  channels     %d%s\n  prediction   %s%s\n", info->in_channels, what,
               info->v_prediction ? "v" : "epsilon",
               info->zero_terminal_snr ? ", zero terminal SNR" : "");
    }
    if (info->native_width)
        printf("  native size  %d x %d\n", info->native_width, info->native_height);
    printf("  numbers      %.1f million in %" PRIu64 " tensors, %s, %.1f MB\n",
           (double)info->parameter_count / 1e6, info->tensor_count, info->precision,
           (double)info->file_bytes / 1e6);
    if (info->title[0])
        printf("  title        %s\n", info->title);
    if (info->reason[0])
        printf("  %s\n", info->reason);
}

bool command_inspect(const Options *options, EngineError *error)
{
    const char *path = options->argument_count ? options->arguments[0]
                                               : command_model_path(options, error);
    EngineModelInfo info;
    if (!path || !engine_inspect(path, &info, error))
        return false;
    if (options->json)
        print_json(path, &info);
    else
        print_text(path, &info);
    return true;
}

bool command_tokens(const Options *options, EngineError *error)
{
    Prompt      prompt = { 0 };
    const char *text = options->prompt ? options->prompt
                       : options->argument_count ? options->arguments[0]
                                                 : "";
    Tokenizer  *tokenizer = tokenizer_create(error);
    bool        ok = tokenizer && prompt_parse(&prompt, tokenizer, text, 1, TOKEN_END, error);
    for (int i = 0; ok && i < prompt.parts[0].count; i++)
        for (int t = 0; t < PROMPT_CHUNK; t++)
            printf("%d%c", prompt.parts[0].chunks[i].tokens[t], t + 1 < PROMPT_CHUNK ? ' ' : '\n');
    prompt_clear(&prompt);
    tokenizer_destroy(tokenizer);
    return ok;
}
