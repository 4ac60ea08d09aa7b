/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `diffuse eval`: single networks on tensors from a file, for comparison with other implementations. */
#include "commands.h"

#include "../compute/dry.h"
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
    Device      *device;
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
    Dry   rehearsal;
    Arena dry;
    dry_init(&rehearsal, eval->device);
    arena_init(&dry, &rehearsal.device, 0);
    eval->compute.scratch = &dry;
    body(eval, data);
    if (dry.peak > eval->arena.size) {
        arena_finish(&eval->arena);
        if (!arena_init(&eval->arena, eval->device, dry.peak))
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

/* A chunk's rows among those of all encoders. */
typedef struct {
    float *text;
    int    t, width, total_width;
} TextRows;

static void take_rows(void *user, const float *host)
{
    const TextRows *rows = user;
    for (int t = 0; t < rows->t; t++)
        memcpy(rows->text + (size_t)t * (size_t)rows->total_width,
               host + (size_t)t * (size_t)rows->width, (size_t)rows->width * sizeof *host);
}

static void text_body(Eval *eval, void *data)
{
    TextRun  *run = data;
    Compute  *compute = &eval->compute;
    ArenaMark mark = arena_mark(compute->scratch);
    Tensor    hidden = tensor_new(compute, ARENA_LOW, 1, 1, run->t, run->width), pooled = { 0 };
    if (run->pooled)
        pooled = tensor_new(compute, ARENA_LOW, 1, 1, 1, run->projection);
    for (int i = 0; i < run->n; i++) {
        size_t row = (size_t)i * (size_t)run->t;
        clip_forward(compute, run->encoder, hidden, pooled, run->tokens + row, 0);
        read_by(compute, hidden, take_rows,
                &(TextRows){ run->text + row * (size_t)run->total_width + run->offset, run->t,
                             run->width, run->total_width });
        if (run->pooled)
            read_back(compute, run->pooled + (size_t)i * (size_t)run->projection, pooled);
    }
    arena_rewind(compute->scratch, mark);
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

/* Numbers of the input and output files, and their shapes. */
typedef struct {
    Unet             *unet;
    const UnetConfig *config;
    float            *out;
    const float      *latents, *times, *context, *labels;
    float             guidance;
    const int        *shape;         /* of the latents */
    int               t;             /* tokens of a context */
    Tensor           *contexts;      /* [n], room for them */
} UnetRun;

static void unet_body(Eval *eval, void *data)
{
    UnetRun          *run = data;
    Compute          *compute = &eval->compute;
    const UnetConfig *config = run->config;
    int               n = run->shape[0], h = run->shape[2], w = run->shape[3];
    ArenaMark         mark = arena_mark(compute->scratch);
    Tensor            latents = tensor_new(compute, ARENA_LOW, n, run->shape[1], h, w);
    Tensor            out = tensor_new(compute, ARENA_LOW, n, config->out_channels, h, w);
    Tensor context = tensor_new(compute, ARENA_LOW, n, 1, run->t, config->context_width);
    Tensor labels = { 0 };
    for (int i = 0; i < n; i++)
        run->contexts[i] = tensor_batch(context, i, 1);
    if (run->labels) {
        labels = tensor_new(compute, ARENA_LOW, 1, 1, n, config->adm_width);
        upload(compute, labels, run->labels);
    }
    upload(compute, latents, run->latents);
    upload(compute, context, run->context);
    unet_forward(compute, run->unet, out, latents, run->times, run->contexts, labels, run->guidance, false,
                 false);
    read_back(compute, run->out, out);
    arena_rewind(compute->scratch, mark);
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
    UnetRun run = { .unet = unet, .config = config, .out = output, .latents = latents,
                    .times = times, .context = context, .labels = labels, .shape = shape,
                    .t = context_shape[1], .contexts = contexts };
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
    Vae         *vae;
    bool         decode;
    float       *out;
    const float *in;
    const int   *in_shape, *out_shape;
} VaeRun;

static void vae_body(Eval *eval, void *data)
{
    VaeRun    *run = data;
    Compute   *compute = &eval->compute;
    const int *from = run->in_shape, *to = run->out_shape;
    ArenaMark  mark = arena_mark(compute->scratch);
    Tensor     in = tensor_new(compute, ARENA_LOW, 1, from[1], from[2], from[3]);
    Tensor     out = tensor_new(compute, ARENA_LOW, 1, to[1], to[2], to[3]);
    for (int i = 0; i < from[0]; i++) {
        upload(compute, in, run->in + (size_t)i * tensor_count(in));
        if (run->decode)
            vae_decode(compute, run->vae, out, in, false, false);
        else
            vae_encode(compute, run->vae, out, in, false, false);
        read_back(compute, run->out + (size_t)i * tensor_count(out), out);
    }
    arena_rewind(compute->scratch, mark);
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
    int c = decode ? 3 : 2 * z;
    int h = decode ? shape[2] * factor : shape[2] / factor;
    int w = decode ? shape[3] * factor : shape[3] / factor;
    output = add_output(eval, decode ? "decoded" : "moments", 4, shape[0], c, h, w);
    if (!output)
        goto done;
    VaeRun run = { vae, decode, output, input, shape, (int[]){ shape[0], c, h, w } };
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
    ok = ok && (eval.device = device_create_cpu(eval.threads, error)) != NULL;
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
    device_destroy(eval.device);
    threads_destroy(eval.threads);
    safetensors_close(eval.input);
    checkpoint_close(eval.checkpoint);
    return ok;
}
