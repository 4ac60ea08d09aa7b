/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `diffuse eval`: single networks on tensors from a file, for comparison with other implementations. */
#include "commands.h"

#include "../compute/cpu/kernels.h"
#include "../files/safetensors.h"
#include "../networks/clip.h"
#include "../networks/unet.h"
#include "../networks/vae.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_OUTPUTS = 5 };

typedef struct {
    Checkpoint  *checkpoint;
    ModelConfig  config;
    Safetensors *input;
    Threads     *threads;
    Arena        arena;
    Compute      compute;
    EngineError *error;

    SafetensorsItem outputs[MAX_OUTPUTS];
    size_t          output_count;
} Eval;

/* An input tensor as floats (from F32, F16, BF16, F64) or, for tokens and times, from integers. The
 * caller frees.  NULL with a sentence unless it has this rank. */
static float *read_input(Eval *eval, const char *name, int rank, int shape[4])
{
    const SafetensorsEntry *entry = safetensors_find(eval->input, name);
    const char             *path = safetensors_path(eval->input);
    if (!entry || entry->rank != rank) {
        fail(eval->error, ENGINE_BAD_REQUEST,
             "%s: tensor '%s' is %s; it must have %d dimensions.", path, name,
             entry ? "of another rank" : "missing", rank);
        return NULL;
    }
    size_t count = 1;
    for (int i = 0; i < rank; i++) {
        if (entry->shape[i] == 0 || entry->shape[i] > 1 << 24) {
            fail(eval->error, ENGINE_BAD_REQUEST, "%s: tensor '%s' is empty or too large.", path,
                 name);
            return NULL;
        }
        shape[i] = (int)entry->shape[i];
        count *= entry->shape[i];
    }
    float *values = malloc(count * sizeof *values);
    if (!values) {
        fail(eval->error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for '%s'.", name);
        return NULL;
    }
    if (entry->type == TYPE_I64 || entry->type == TYPE_I32) {
        for (size_t i = 0; i < count; i++) {
            int64_t wide = 0;
            int32_t narrow = 0;
            if (entry->type == TYPE_I64)
                memcpy(&wide, (const char *)entry->data + 8 * i, 8);
            else
                memcpy(&narrow, (const char *)entry->data + 4 * i, 4);
            values[i] = (float)(entry->type == TYPE_I64 ? wide : narrow);
        }
        return values;
    }
    if (entry->type > TYPE_F64) {
        free(values);
        fail(eval->error, ENGINE_BAD_REQUEST, "%s: tensor '%s' has type %s; use F32 or I64.", path,
             name, tensor_type_name(entry->type));
        return NULL;
    }
    Weight weight = { .data = entry->data, .type = entry->type, .shape = { 1, 1, 1, 1 } };
    if (count > INT32_MAX) {
        free(values);
        fail(eval->error, ENGINE_BAD_REQUEST, "%s: tensor '%s' is too large.", path, name);
        return NULL;
    }
    weight.shape[0] = (int)count;
    weight_to_float(values, &weight, 0, count);
    return values;
}

static bool has_input(const Eval *eval, const char *name)
{
    return safetensors_find(eval->input, name) != NULL;
}

/* Memory for a result that is written to the output file. */
static float *add_output(Eval *eval, const char *name, int rank, int d0, int d1, int d2, int d3)
{
    int    shape[4] = { d0, d1, d2, d3 };
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)shape[i];
    float *values = malloc(count * sizeof *values);
    if (!values) {
        fail(eval->error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for '%s'.", name);
        return NULL;
    }
    SafetensorsItem *item = &eval->outputs[eval->output_count++];
    *item = (SafetensorsItem){ .name = name, .rank = rank, .type = TYPE_F32, .data = values };
    for (int i = 0; i < rank; i++)
        item->shape[i] = (uint64_t)shape[i];
    return values;
}

/* Runs a network twice: dry to learn the memory it needs, then with it. */
static bool run_network(Eval *eval, void (*body)(Eval *eval, void *data), void *data)
{
    Arena dry = { 0 };
    eval->compute.scratch = &dry;
    body(eval, data);
    if (dry.peak > eval->arena.size) {
        arena_finish(&eval->arena);
        if (!arena_init(&eval->arena, dry.peak))
            return fail(eval->error, ENGINE_OUT_OF_MEMORY,
                        "The network needs %.0f MB of memory, which the system does not give.",
                        (double)dry.peak / 1e6);
    }
    eval->compute.scratch = &eval->arena;
    body(eval, data);
    return true;
}

typedef struct {
    Clip *encoder;
    const int   *tokens;
    int          n, t, width, projection;
    int          total_width, offset; /* SDXL: both encoders' outputs stand side by side */
    float       *text, *pooled;
} TextRun;

static void text_body(Eval *eval, void *data)
{
    TextRun  *run = data;
    bool      dry = compute_dry(&eval->compute);
    ArenaMark mark = arena_mark(eval->compute.scratch);
    Tensor    hidden = tensor_new(&eval->compute, ARENA_LOW, 1, 1, run->t, run->width);
    for (int i = 0; i < (dry ? 1 : run->n); i++) {
        float *pooled = run->pooled ? run->pooled + (size_t)i * (size_t)run->projection : NULL;
        clip_forward(&eval->compute, run->encoder, hidden.data, pooled,
                             run->tokens + (size_t)i * (size_t)run->t, run->t, 0);
        for (int t = 0; !dry && t < run->t; t++)
            memcpy(run->text + ((size_t)i * (size_t)run->t + (size_t)t) *
                                   (size_t)run->total_width + run->offset,
                   hidden.data + (size_t)t * (size_t)run->width,
                   (size_t)run->width * sizeof(float));
    }
    arena_rewind(eval->compute.scratch, mark);
}

static bool eval_text(Eval *eval)
{
    int    shape[4], widths[2] = { 0, 0 };
    bool   ok = false;
    float *numbers = read_input(eval, "tokens", 2, shape);
    int   *tokens = numbers ? malloc((size_t)shape[0] * (size_t)shape[1] * sizeof *tokens) : NULL;
    int    count = eval->config.text_count, total = 0;
    Clip *encoder = NULL;
    if (!tokens)
        goto done;
    for (int i = 0; i < count; i++)
        total += widths[i] = eval->config.text[i].width;
    for (int i = 0; i < shape[0] * shape[1]; i++) {
        if (!(numbers[i] >= 0) || numbers[i] >= (float)eval->config.text[0].vocabulary) {
            fail(eval->error, ENGINE_BAD_REQUEST,
                 "Token %g is not in the model's vocabulary of %d.", (double)numbers[i],
                 eval->config.text[0].vocabulary);
            goto done;
        }
        tokens[i] = (int)numbers[i];
    }
    if (shape[1] > eval->config.text[0].positions) {
        fail(eval->error, ENGINE_BAD_REQUEST, "There are %d tokens a row; the model takes %d.",
             shape[1], eval->config.text[0].positions);
        goto done;
    }
    float *text = add_output(eval, "text", 3, shape[0], shape[1], total, 1);
    int    projection = eval->config.text[count - 1].projection;
    float *pooled = text && projection
                        ? add_output(eval, "pooled", 2, shape[0], projection, 1, 1)
                        : NULL;
    if (!text || (projection && !pooled))
        goto done;
    int offset = 0;
    for (int i = 0; i < count; i++) {
        const TextConfig *config = &eval->config.text[i];
        encoder = clip_create(eval->checkpoint, i ? PART_TEXT_2 : PART_TEXT, config,
                                      eval->error);
        if (!encoder)
            goto done;
        TextRun run = { encoder, tokens, shape[0], shape[1], widths[i], projection, total, offset,
                        text, i == count - 1 ? pooled : NULL };
        if (!run_network(eval, text_body, &run))
            goto done;
        clip_destroy(encoder);
        encoder = NULL;
        offset += widths[i];
    }
    ok = true;
done:
    clip_destroy(encoder);
    free(numbers);
    free(tokens);
    return ok;
}

typedef struct {
    Unet         *unet;
    Tensor        out, latents;
    const float  *times, *labels;
    const Tensor *contexts;
} UnetRun;

static void unet_body(Eval *eval, void *data)
{
    UnetRun *run = data;
    unet_forward(&eval->compute, run->unet, run->out, run->latents, run->times, run->contexts,
                 run->labels, false, false);
}

static bool eval_unet(Eval *eval)
{
    int     shape[4], times_shape[4], context_shape[4], labels_shape[4];
    bool    ok = false;
    Unet   *unet = NULL;
    Tensor *contexts = NULL;
    float  *times = NULL, *context = NULL, *labels = NULL;
    const UnetConfig *config = &eval->config.unet;
    float            *latents = read_input(eval, "latents", 4, shape);
    if (!latents || !(times = read_input(eval, "timesteps", 1, times_shape)) ||
        !(context = read_input(eval, "context", 3, context_shape)))
        goto done;
    if (config->adm_width && !(labels = read_input(eval, "y", 2, labels_shape)))
        goto done;
    if (times_shape[0] != shape[0] || context_shape[0] != shape[0] ||
        shape[1] != config->in_channels || context_shape[2] != config->context_width ||
        (labels && (labels_shape[0] != shape[0] || labels_shape[1] != config->adm_width))) {
        fail(eval->error, ENGINE_BAD_REQUEST,
             "The model takes latents [n,%d,h,w], timesteps [n], context [n,t,%d]%s; the input's "
             "shapes do not fit.",
             config->in_channels, config->context_width, labels ? " and y" : "");
        goto done;
    }
    float *output = add_output(eval, "output", 4, shape[0], config->out_channels, shape[2],
                               shape[3]);
    contexts = calloc((size_t)shape[0], sizeof *contexts);
    unet = unet_create(eval->checkpoint, config, eval->error);
    if (!output || !contexts || !unet)
        goto done;
    for (int i = 0; i < shape[0]; i++)
        contexts[i] = tensor_view(context + (size_t)i * (size_t)context_shape[1] *
                                                (size_t)context_shape[2],
                                  1, 1, context_shape[1], context_shape[2]);
    UnetRun run = { unet,
                    tensor_view(output, shape[0], config->out_channels, shape[2], shape[3]),
                    tensor_view(latents, shape[0], shape[1], shape[2], shape[3]),
                    times,
                    labels,
                    contexts };
    ok = run_network(eval, unet_body, &run);
done:
    unet_destroy(unet);
    free(contexts);
    free(latents);
    free(times);
    free(context);
    free(labels);
    return ok;
}

typedef struct {
    Vae   *vae;
    bool   decode;
    Tensor out, in;
} VaeRun;

static void vae_body(Eval *eval, void *data)
{
    VaeRun *run = data;
    for (int i = 0; i < run->in.n; i++) {
        Tensor out = tensor_batch(run->out, i, 1), in = tensor_batch(run->in, i, 1);
        if (run->decode)
            vae_decode(&eval->compute, run->vae, out, in, false, false);
        else
            vae_encode(&eval->compute, run->vae, out, in, false, false);
    }
}

static bool eval_vae(Eval *eval, bool decode)
{
    int    shape[4];
    bool   ok = false;
    float *output = NULL, *input = read_input(eval, decode ? "z" : "image", 4, shape);
    Vae   *vae = input ? vae_create(eval->checkpoint, &eval->config.vae, eval->error) : NULL;
    if (!vae)
        goto done;
    int factor = vae_factor(vae), z = eval->config.vae.z_channels;
    if (shape[1] != (decode ? z : 3) || (!decode && (shape[2] % factor || shape[3] % factor))) {
        fail(eval->error, ENGINE_BAD_REQUEST,
             "The VAE takes %d channels%s; the input has %d x %d x %d.", decode ? z : 3,
             decode ? "" : " and sides that 8 divides", shape[1], shape[2], shape[3]);
        goto done;
    }
    VaeRun run = { .vae = vae, .decode = decode };
    run.in = tensor_view(input, shape[0], shape[1], shape[2], shape[3]);
    int c = decode ? 3 : 2 * z;
    int h = decode ? shape[2] * factor : shape[2] / factor;
    int w = decode ? shape[3] * factor : shape[3] / factor;
    output = add_output(eval, decode ? "decoded" : "moments", 4, shape[0], c, h, w);
    if (!output)
        goto done;
    run.out = tensor_view(output, shape[0], c, h, w);
    ok = run_network(eval, vae_body, &run);
done:
    vae_destroy(vae);
    free(input);
    return ok;
}

bool command_eval(const Options *options, EngineError *error)
{
    if (options->argument_count != 3)
        return fail(error, ENGINE_BAD_REQUEST,
                    "Usage: diffuse eval MODEL IN.safetensors OUT.safetensors");
    CheckpointExtras extras = { options->vae, options->taesd, options->text_encoder };
    Eval             eval = { .error = error };
    bool ok = (eval.checkpoint = checkpoint_open(options->arguments[0], &extras, error)) &&
              config_from_checkpoint(&eval.config, eval.checkpoint, error) &&
              (eval.input = safetensors_open(options->arguments[1], error));
    if (ok && !(eval.threads = threads_create(options->threads)))
        ok = fail(error, ENGINE_OUT_OF_MEMORY, "The system gives no threads.");
    eval.compute = (Compute){ .threads = eval.threads, .kernels = kernels_best() };
    if (ok && has_input(&eval, "tokens"))
        ok = eval_text(&eval);
    if (ok && has_input(&eval, "latents"))
        ok = eval_unet(&eval);
    if (ok && has_input(&eval, "z"))
        ok = eval_vae(&eval, true);
    if (ok && has_input(&eval, "image"))
        ok = eval_vae(&eval, false);
    if (ok && eval.output_count == 0)
        ok = fail(error, ENGINE_BAD_REQUEST,
                  "%s holds none of tokens, latents, z, image: there is nothing to compute.",
                  options->arguments[1]);
    if (ok)
        ok = safetensors_write(options->arguments[2], eval.outputs, eval.output_count, error);
    for (size_t i = 0; i < eval.output_count; i++)
        free((void *)(uintptr_t)eval.outputs[i].data);
    arena_finish(&eval.arena);
    threads_destroy(eval.threads);
    safetensors_close(eval.input);
    checkpoint_close(eval.checkpoint);
    return ok;
}
