/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `diffuse inspect` and `diffuse tokens`. */
#include "commands.h"

#include "../text/prompt.h"

#include <inttypes.h>
#include <stdio.h>

/* What can be done with the file: commands that it makes pictures for, options that take it. */
static int uses_of(const EngineModelInfo *info, const char *uses[8])
{
    int count = 0;
    if (info->runnable && info->takes_instruction)
        uses[count++] = "instruct";
    else if (info->runnable)
        for (int i = 0; i < 5; i++)
            uses[count++] = ((const char *[]){ "txt2img", "img2img", "inpaint", "outpaint", "seams" })[i];
    if (info->runnable || info->kind == ENGINE_FILE_TEXT_ENCODER)
        uses[count++] = "--text-encoder";
    if (info->kind == ENGINE_FILE_VAE)
        uses[count++] = "--vae";
    if (info->kind == ENGINE_FILE_TAESD)
        uses[count++] = "--taesd";
    return count;
}

static int lacks_of(const EngineModelInfo *info, const char *lacks[2])
{
    int count = 0;
    if (info->lacks_vae)
        lacks[count++] = "--vae";
    if (info->lacks_text_encoder)
        lacks[count++] = "--text-encoder";
    return count;
}

static void print_json_list(const char *name, const char *const *words, int count)
{
    printf(", \"%s\": [", name);
    for (int i = 0; i < count; i++)
        printf("%s\"%s\"", i ? ", " : "", words[i]);
    printf("]");
}

static void print_json(const char *path, const EngineModelInfo *info)
{
    const char *uses[8], *lacks[2];
    printf("{\"file\": ");
    print_json_string(path);
    printf(", \"kind\": \"%s\", \"runnable\": %s, \"family\": ", choice_label(choices_file_kinds, (int)info->kind),
           info->runnable ? "true" : "false");
    print_json_string(info->family);
    printf(", \"in_channels\": %d, \"prediction\": \"%s\", \"zero_terminal_snr\": %s, "
           "\"parametrisation\": \"%s\", \"sigma_min\": %.6g, \"sigma_max\": %.6g, \"native_width\": %d, "
           "\"native_height\": %d",
           info->in_channels, info->prediction, info->zero_terminal_snr ? "true" : "false",
           info->in_channels == 0 ? "" : info->edm ? "EDM" : "variance preserving", info->sigma_min,
           info->sigma_max, info->native_width, info->native_height);
    if (info->steps)
        printf(", \"defaults\": {\"steps\": %d, \"sampler\": \"%s\", \"schedule\": \"%s\", \"cfg\": %g}, "
               "\"few_steps\": %s",
               info->steps, engine_sampler_name(info->sampler), engine_schedule_name(info->schedule),
               (double)info->cfg, info->few_steps ? "true" : "false");
    print_json_list("uses", uses, uses_of(info, uses));
    print_json_list("lacks", lacks, lacks_of(info, lacks));
    printf(", \"vae\": ");
    print_json_string(info->vae);
    printf(", \"precision\": ");
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

static void print_model(const EngineModelInfo *info)
{
    const char *what = info->takes_hole          ? "inpainting"
                       : info->takes_instruction ? "InstructPix2Pix"
                                                 : "base";
    printf("  channels     %d (%s)\n  prediction   %s%s%s, noise from %.4g down to %.4g\n", info->in_channels,
           what, info->edm ? "EDM, " : "", info->prediction, info->zero_terminal_snr ? ", zero terminal SNR" : "",
           info->sigma_max, info->sigma_min);
    printf("  made for     %s%d steps of %s, %s, guidance %g\n", info->few_steps ? "few steps: " : "", info->steps,
           engine_sampler_label(info->sampler), engine_schedule_label(info->schedule), (double)info->cfg);
}

/* A line about the file, whose names may hold anything. */
static void print_line(const char *label, const char *text)
{
    printf("%s", label);
    print_shown(text);
    putchar('\n');
}

static void print_text(const char *path, const EngineModelInfo *info)
{
    const char *uses[8];
    int         count = uses_of(info, uses);
    print_line("", path);
    print_line("  ", info->summary);
    printf("  kind         %s%s\n", choice_label(choices_file_kinds, (int)info->kind), info->runnable ? ", ready to use" : "");
    if (info->in_channels)
        print_model(info);
    if (info->native_width)
        printf("  native size  %d x %d\n", info->native_width, info->native_height);
    printf("  numbers      %.1f million in %" PRIu64 " tensors, %s, %.1f MB\n",
           (double)info->parameter_count / 1e6, info->tensor_count, info->precision,
           (double)info->file_bytes / 1e6);
    for (int i = 0; i < count; i++)
        printf("%s%s%s", i ? ", " : "  good for     ", uses[i], i == count - 1 ? "\n" : "");
    if (info->vae[0])
        print_line("  VAE          ", info->vae);
    if (info->title[0])
        print_line("  title        ", info->title);
    if (info->reason[0])
        print_line("  ", info->reason);
}

bool command_inspect(const Options *options, EngineError *error)
{
    const char *path = options->argument_count ? options->arguments[0]
                                               : command_model_path(options, error);
    EngineModelInfo info;
    EngineOptions   with = engine_options_default();
    with.vae_path = options->vae;
    with.taesd_path = options->taesd;
    with.text_encoder_path = options->text_encoder;
    if (!path || !engine_inspect_with(path, &with, &info, error))
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
