/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Owns the parts of an open model. */
#include "engine_parts.h"

#include "../request_settings.h"
#include "../text/prompt.h"
#include "generate.h"
#include "model_info.h"

#include <stdlib.h>
#include <string.h>

EngineOptions engine_options_default(void)
{
    return (EngineOptions){ .prediction = ENGINE_PREDICTION_AUTO, .zero_terminal_snr = -1 };
}

static void apply_options(Engine *engine, const EngineOptions *options)
{
    Parametrisation *of = &engine->config.parametrisation;
    if (options->prediction != ENGINE_PREDICTION_AUTO)
        of->predicts = options->prediction == ENGINE_PREDICTION_V ? PREDICTS_V : PREDICTS_NOISE;
    if (options->zero_terminal_snr >= 0)
        of->zero_terminal_snr = options->zero_terminal_snr != 0;
    engine->info.v_prediction = of->predicts == PREDICTS_V;
    engine->info.zero_terminal_snr = of->zero_terminal_snr;
}

static bool create_networks(Engine *engine, EngineError *error)
{
    const ModelConfig *config = &engine->config;
    for (int i = 0; i < config->text_count; i++) {
        engine->text[i] = clip_create(engine->checkpoint, i ? PART_TEXT_2 : PART_TEXT,
                                              &config->text[i], error);
        if (!engine->text[i])
            return false;
    }
    engine->can = denoiser_capabilities(config);
    engine->denoiser = denoiser_create(engine->checkpoint, config, error);
    engine->vae = engine->denoiser ? vae_create(engine->checkpoint, &config->vae, error) : NULL;
    if (!engine->vae)
        return false;
    if (config->has_taesd)
        engine->taesd = taesd_create(engine->checkpoint, error);
    return !config->has_taesd || engine->taesd;
}

/* Words of the model's own, from added_tokens.json: { "<cat-toy>": 49408 }. */
static bool add_words(Tokenizer *tokenizer, const Checkpoint *checkpoint, EngineError *error)
{
    const Json *words = checkpoint_added_tokens(checkpoint);
    for (const Json *item = json_first(words); item; item = json_next(item)) {
        int64_t id;
        if (!json_integer(item, &id) || id < 0 || id > INT32_MAX)
            return fail(error, ENGINE_BAD_FILE, "%s: tokenizer/added_tokens.json gives '%.160s' no number",
                        checkpoint_path(checkpoint), json_name(item));
        /* The marks of start and end, which some files list too, are no words. */
        if (id >= TOKEN_COUNT && !tokenizer_add(tokenizer, json_name(item), (int)id, error))
            return false;
    }
    return true;
}

Engine *engine_open(EngineSession *session, const char *path, const EngineOptions *options,
                    EngineError *error)
{
    Engine *engine = calloc(1, sizeof *engine);
    if (!engine) {
        fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory to open %s.", path);
        return NULL;
    }
    engine->session = session;
    engine->maker = &generate_maker;
    engine->path = strdup(path);
    CheckpointExtras extras = { options->vae_path, options->taesd_path, options->text_encoder_path };
    engine->checkpoint = checkpoint_open(path, &extras, error);
    bool ok = engine->checkpoint && engine->path &&
              config_from_checkpoint(&engine->config, engine->checkpoint, error) &&
              (engine->tokenizer = tokenizer_create(error)) != NULL &&
              add_words(engine->tokenizer, engine->checkpoint, error);
    if (ok) {
        model_info_describe(&engine->info, engine->checkpoint);
        apply_options(engine, options);
        ok = create_networks(engine, error);
    }
    if (!ok) {
        fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory to open %s.", path);
        engine_close(engine);
        return NULL;
    }
    engine->factor = vae_factor(engine->vae);
    noise_levels_init(&engine->levels, &engine->config.parametrisation);
    return engine;
}

void engine_close(Engine *engine)
{
    if (!engine)
        return;
    taesd_destroy(engine->taesd);
    vae_destroy(engine->vae);
    denoiser_destroy(engine->denoiser);
    for (int i = 0; i < CONFIG_MAX_TEXTS; i++)
        clip_destroy(engine->text[i]);
    tokenizer_destroy(engine->tokenizer);
    checkpoint_close(engine->checkpoint);
    free(engine->path);
    free(engine);
}

const EngineModelInfo *engine_model(const Engine *engine)
{
    return &engine->info;
}

const char *engine_model_path(const Engine *engine)
{
    return engine->path;
}

EngineRequest engine_request_for(const EngineModelInfo *model)
{
    EngineRequest request = { .prompt = "", .negative_prompt = "" };
    for (size_t i = 0; i < REQUEST_SETTING_COUNT; i++)
        request_setting_set(&request, &request_settings[i], request_settings[i].usual);
    if (!model || !model->native_width)
        return request;
    request.width = model->native_width;
    request.height = model->native_height;
    request.steps = model->steps;
    request.sampler = model->sampler;
    request.schedule = model->schedule;
    request.cfg = model->cfg;
    request.image_cfg = model->image_cfg;
    return request;
}

EngineRequest engine_request_default(const Engine *engine)
{
    return engine_request_for(engine ? &engine->info : NULL);
}

const Maker *engine_maker(const Engine *engine)
{
    return engine->maker;
}

bool engine_count_tokens(const char *prompt, int *tokens, int *chunks)
{
    EngineError error = { 0 };
    Prompt      parsed = { 0 };
    Tokenizer  *tokenizer = tokenizer_create(&error);
    char       *text = prompt_expand(prompt ? prompt : "", 0);
    bool        ok =
        tokenizer && text && prompt_parse(&parsed, tokenizer, text, 1, TOKEN_END, &error);
    if (ok) {
        *tokens = (int)parsed.parts[0].token_count;
        *chunks = parsed.parts[0].count;
    }
    prompt_clear(&parsed);
    free(text);
    tokenizer_destroy(tokenizer);
    return ok;
}
