/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config_noise.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* What is not known here is refused by its name: a wrong guess draws wrong pictures. */
#define REFUSE(config, ...) snprintf((config)->noise_fault, sizeof (config)->noise_fault, __VA_ARGS__)

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

/* Takes what schedulers, modelspec and trainers call it. */
static bool read_word(Prediction *predicts, const char *word)
{
    static const char *const noise[] = { "epsilon", "eps", NULL };
    static const char *const v[] = { "v", "v_prediction", "v-prediction", "v_pred", NULL };
    static const char *const sample[] = { "sample", "x0", NULL };
    if (is_one_of(word, noise))
        *predicts = PREDICTS_NOISE;
    else if (is_one_of(word, v))
        *predicts = PREDICTS_V;
    else if (is_one_of(word, sample))
        *predicts = PREDICTS_SAMPLE;
    else
        return false;
    return true;
}

static const char *member(const Json *json, const char *key)
{
    return json_string(json_member(json, key));
}

static double number(const Json *json, const char *key, double fallback)
{
    double value;
    return json_number(json_member(json, key), &value) && isfinite(value) ? value : fallback;
}

static bool has(const Checkpoint *checkpoint, const char *name)
{
    float ignored;
    return checkpoint_file_numbers(checkpoint, name, &ignored, 1) > 0 ||
           (!checkpoint_is_folder(checkpoint) && checkpoint_file_count(checkpoint) > 0 &&
            safetensors_find(checkpoint_file(checkpoint, 0), name));
}

/* ---- what is predicted ------------------------------------------------------------------------ */

/* Two kinds of SD 2.x have the same tensors: the bias of the last self-attention's norm spreads wider where v
 * was learned, above 0.09 (a finding of ComfyUI's authors over published checkpoints).  Networks without this
 * block are of neither kind: v. */
static bool spreads_as_v(const Checkpoint *checkpoint)
{
    static const char name[] = "output_blocks.11.1.transformer_blocks.0.norm1.bias";
    float             values[1024];
    double            mean = 0, squares = 0;
    size_t            count = checkpoint_numbers(checkpoint, PART_UNET, name, values, 1024);
    for (size_t i = 0; i < count; i++)
        mean += (double)values[i] / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += ((double)values[i] - mean) * ((double)values[i] - mean);
    return count == 0 || sqrt(squares / (double)count) > 0.09;
}

static void read_prediction(ModelConfig *config, const Checkpoint *checkpoint, bool second_family)
{
    const Json *scheduler = checkpoint_scheduler(checkpoint);
    const char *claim = checkpoint_metadata(checkpoint, "modelspec.prediction_type");
    const char *key = checkpoint_metadata(checkpoint, "modelspec.predict_key");
    const char *architecture = checkpoint_metadata(checkpoint, "modelspec.architecture");
    const char *told = member(scheduler, "prediction_type");
    bool        base = config->unet.in_channels == config->unet.out_channels;
    Prediction *predicts = &config->parametrisation.predicts;
    /* From the surest to a guess: what the file says of itself, its scheduler's config, a tensor
     * that marks it, the spread of a bias.  A scheduler that says nothing means noise (diffusers'
     * default).  A v model that is run as one of noise draws nothing but noise. */
    if ((claim && read_word(predicts, claim)) || (key && read_word(predicts, key)))
        return;
    if (told && !read_word(predicts, told))
        REFUSE(config, "it predicts '%.40s', and noise, v or the sample are known", told);
    if (told || scheduler)
        return;
    if (has(checkpoint, "v_pred"))
        *predicts = PREDICTS_V;
    else if (second_family && base && !(architecture && strstr(architecture, "512")) &&
             spreads_as_v(checkpoint))
        *predicts = PREDICTS_V;
}

/* ---- which levels ----------------------------------------------------------------------------- */

static void read_trained_betas(ModelConfig *config, const Json *list)
{
    int count = 0;
    for (const Json *item = json_first(list); item; item = json_next(item), count++) {
        double beta;
        if (count == PARAMETRISATION_LEVELS || !json_number(item, &beta) || !(beta > 0 && beta < 1))
            break;
        config->parametrisation.trained[count] = (float)beta;
    }
    config->parametrisation.betas = BETAS_TRAINED;
    if (count != PARAMETRISATION_LEVELS)
        REFUSE(config, "its scheduler's 'trained_betas' are not %d numbers between 0 and 1",
               PARAMETRISATION_LEVELS);
}

/* diffusers' names, and its order: trained_betas go before beta_schedule.  A range that is absent
 * or makes no sense leaves the default that is there. */
static void read_betas(ModelConfig *config, const Json *scheduler)
{
    Parametrisation *of = &config->parametrisation;
    const char      *name = member(scheduler, "beta_schedule");
    const Json      *trained = json_member(scheduler, "trained_betas");
    double           start = number(scheduler, "beta_start", 0), end = number(scheduler, "beta_end", 0);
    int64_t          levels = PARAMETRISATION_LEVELS;
    if (start > 0 && start < end && end < 1) {
        of->beta_start = start;
        of->beta_end = end;
    }
    if (!name || strcmp(name, "scaled_linear") == 0)
        of->betas = BETAS_SCALED_LINEAR;
    else if (strcmp(name, "linear") == 0)
        of->betas = BETAS_LINEAR;
    else if (strcmp(name, "squaredcos_cap_v2") == 0)
        of->betas = BETAS_SQUARED_COSINE;
    else
        REFUSE(config, "its scheduler's 'beta_schedule' is '%.40s', which is not known", name);
    if (json_is_array(trained))
        read_trained_betas(config, trained);
    json_integer(json_member(scheduler, "num_train_timesteps"), &levels);
    if (levels != PARAMETRISATION_LEVELS)
        REFUSE(config, "it was trained on %lld noise levels instead of %d", (long long)levels,
               PARAMETRISATION_LEVELS);
}

/* Where a number is out of range: Karras et al. 2022, arXiv:2206.00364, table 1. */
static void set_edm(Parametrisation *of, double data, double least, double most)
{
    of->edm = true;
    of->sigma_data = data > 0 && data < 100 ? data : 0.5;
    of->sigma_min = least > 0 && least < 10 ? least : 0.002;
    of->sigma_max = most > of->sigma_min && most < 1e6 ? most : 80;
}

/* Playground v2.5 keeps the latents' mean and deviation in its file, CosXL its range of sigma. */
static void read_edm(ModelConfig *config, const Checkpoint *checkpoint)
{
    Parametrisation *of = &config->parametrisation;
    VaeConfig       *vae = &config->vae;
    const Json      *scheduler = checkpoint_scheduler(checkpoint);
    const char      *class = member(scheduler, "_class_name");
    float            mean[CONFIG_MAX_LATENTS], deviation[CONFIG_MAX_LATENTS], most = 120, least = 0.002f;
    size_t           z = (size_t)(vae->z_channels <= CONFIG_MAX_LATENTS ? vae->z_channels : 0);
    if (class && strncmp(class, "EDM", 3) == 0) {
        set_edm(of, number(scheduler, "sigma_data", 0.5), number(scheduler, "sigma_min", 0.002),
                number(scheduler, "sigma_max", 80));
    } else if (z > 0 && checkpoint_file_numbers(checkpoint, "edm_mean", mean, z) == z &&
               checkpoint_file_numbers(checkpoint, "edm_std", deviation, z) == z) {
        /* Its latents are (z - mean) / std * sigma_data, hence the VAE's scale of 0.5 below. */
        set_edm(of, 0.5, 0.002, 80);
        of->predicts = PREDICTS_NOISE;
        memcpy(vae->latents_mean, mean, z * sizeof *mean);
        memcpy(vae->latents_std, deviation, z * sizeof *deviation);
        vae->scale_factor = 0.5f;
    } else if (has(checkpoint, "edm_vpred.sigma_max")) {
        checkpoint_file_numbers(checkpoint, "edm_vpred.sigma_max", &most, 1);
        checkpoint_file_numbers(checkpoint, "edm_vpred.sigma_min", &least, 1);
        /* sigma_data 1 and the range of 0.002 to 120 that stands where a tensor holds no number:
         * ComfyUI's V_PREDICTION_EDM. */
        set_edm(of, 1, (double)least, (double)most);
        of->predicts = PREDICTS_V;
    }
    if (of->edm && of->predicts == PREDICTS_SAMPLE)
        REFUSE(config, "an EDM model that predicts the sample is not known");
}

static void read_levels(ModelConfig *config, const Checkpoint *checkpoint)
{
    const Json *scheduler = checkpoint_scheduler(checkpoint);
    const char *class = member(scheduler, "_class_name");
    bool        rescaled = false;
    if (class && strncmp(class, "FlowMatch", 9) == 0)
        REFUSE(config, "its scheduler is a %.60s, and flow matching is not known for this network", class);
    read_betas(config, scheduler);
    json_bool(json_member(scheduler, "rescale_betas_zero_snr"), &rescaled);
    /* Lin et al. 2023, arXiv:2305.08891, section 3.1: the last level is made pure noise.  Without
     * it pictures keep a medium brightness, the paper's finding. */
    config->parametrisation.zero_terminal_snr = rescaled || has(checkpoint, "ztsnr");
    read_edm(config, checkpoint);
}

/* ---- how it wants to be run ------------------------------------------------------------------- */

static bool mentions(const char *text, const char *word)
{
    size_t length = strlen(word);
    for (; text && *text; text++) {
        size_t i = 0;
        while (i < length && tolower((unsigned char)text[i]) == word[i])
            i++;
        if (i == length)
            return true;
    }
    return false;
}

/* Four steps lie within what all of them were distilled for, 1 to 8.  A cfg of 1 is one call of the
 * network a step; more of it burns the colours of a distilled model. */
static void set_few(ModelDefaults *defaults, const char *kind, EngineSampler sampler, float cfg)
{
    *defaults = (ModelDefaults){ .few_steps = true, .kind = kind, .sampler = sampler,
                                 .schedule = ENGINE_SCHEDULE_SIMPLE, .steps = 4, .cfg = cfg };
}

/* Distilled to few steps: by what the file is, by its scheduler (trailing steps and Euler are how Turbo and
 * Lightning are published, and so is zero terminal SNR, which is none of these), by its own title. */
static void read_defaults(ModelConfig *config, const Checkpoint *checkpoint)
{
    static const char *const titled[] = { "turbo", "lightning", "hyper", NULL };
    const Json      *scheduler = checkpoint_scheduler(checkpoint);
    const char      *class = member(scheduler, "_class_name"), *spacing = member(scheduler, "timestep_spacing");
    const char      *pipeline = member(checkpoint_model_index(checkpoint), "_class_name");
    const char      *title = checkpoint_metadata(checkpoint, "modelspec.title");
    ModelDefaults   *defaults = &config->defaults;
    bool             trailing = spacing && strcmp(spacing, "trailing") == 0, ancestral;
    bool             lcm = mentions(pipeline, "latentconsistency") || mentions(class, "lcmscheduler") ||
               mentions(title, "lcm");
    *defaults = (ModelDefaults){ .sampler = ENGINE_DPMPP_2M, .schedule = ENGINE_SCHEDULE_KARRAS, .steps = 20,
                                 .cfg = 7 };
    ancestral = mentions(class, "ancestral");
    if (config->unet.guidance_width > 0)
        /* It takes the scale as a number and wants a large one: diffusers'
         * LatentConsistencyModelPipeline has 8.5. */
        set_few(defaults, "LCM", ENGINE_LCM, 8.5f);
    else if (lcm)
        set_few(defaults, "LCM", ENGINE_LCM, 1);
    else if (trailing && mentions(class, "euler") && !config->parametrisation.zero_terminal_snr &&
             config->parametrisation.predicts == PREDICTS_NOISE)
        set_few(defaults, "Turbo or Lightning", ancestral ? ENGINE_EULER_A : ENGINE_EULER, 1);
    else if (trailing)
        defaults->schedule = ENGINE_SCHEDULE_SIMPLE;
    for (int i = 0; titled[i] && !defaults->few_steps; i++)
        if (mentions(title, titled[i]))
            set_few(defaults, "Turbo or Lightning", ENGINE_EULER, 1);
    if (config->parametrisation.edm && !defaults->few_steps) {
        const char *sigmas = member(scheduler, "sigma_schedule");
        defaults->schedule = sigmas && strcmp(sigmas, "exponential") == 0 ? ENGINE_SCHEDULE_EXPONENTIAL
                                                                          : ENGINE_SCHEDULE_KARRAS;
        /* 3 is what Playground v2.5's authors draw with. */
        defaults->cfg = config->parametrisation.predicts == PREDICTS_NOISE ? 3 : 7;
    }
}

void noise_from_checkpoint(ModelConfig *config, const Checkpoint *checkpoint, bool second_family)
{
    read_prediction(config, checkpoint, second_family);
    read_levels(config, checkpoint);
    read_defaults(config, checkpoint);
}
