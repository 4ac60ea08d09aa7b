# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks and parametrisations beyond the plain ones: small random models in the layouts of real files, and
two whole steps of each in diffusers' nets and schedulers, for tests/engine/test_networks.c.

models/networks/NAME.safetensors, models/networks/NAME/   the models
networks.safetensors                                      "NAME.latents", "NAME.picture", noise levels"""
import json
import shutil

import torch
from diffusers import DDIMScheduler, DDPMScheduler, EDMEulerScheduler, LCMScheduler, UNet2DConditionModel
from diffusers.pipelines.latent_consistency_models.pipeline_latent_consistency_text2img import \
    LatentConsistencyModelPipeline
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel

import golden_models
from golden_models import clip_state, open_clip_state, randomise, unet_names, vae_names, vae_of

torch.set_grad_enabled(False)
torch.set_num_threads(1)

VOCABULARY, WIDTH, STEPS, GUIDANCE = 400, 16, 2, 3.0
BETAS = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000)
DDIM = dict(timestep_spacing="trailing", clip_sample=False, set_alpha_to_one=True, steps_offset=0)


def text_of(layers, act="quick_gelu"):
    return CLIPTextModel(CLIPTextConfig(
        vocab_size=VOCABULARY, hidden_size=WIDTH, intermediate_size=24, num_attention_heads=1,
        num_hidden_layers=layers, max_position_embeddings=77, hidden_act=act, bos_token_id=VOCABULARY - 2,
        eos_token_id=VOCABULARY - 1, pad_token_id=VOCABULARY - 1))


def unet_of(channels=(8, 8), middle="UNetMidBlock2DCrossAttn", **more):
    count = len(channels)
    return UNet2DConditionModel(
        in_channels=4, block_out_channels=channels, layers_per_block=1, mid_block_type=middle,
        down_block_types=["CrossAttnDownBlock2D"] * count, up_block_types=["CrossAttnUpBlock2D"] * count,
        norm_num_groups=4, cross_attention_dim=WIDTH, attention_head_dim=2, **more)


def model_of(seed, dtype, unet, layers=1, **vae):
    model = dict(unet=unet, vae=vae_of((4, 4, 4, 4), **vae), text_encoder=text_of(layers))
    for i, module in enumerate(model.values()):
        randomise(module, seed + i, dtype)
    return model


# ---- writing -------------------------------------------------------------------------------------

CONFIG = {"unet": {"norm_num_groups": 4, "attention_head_dim": 2}, "vae": {"norm_num_groups": 4},
          "text_encoder": {"num_attention_heads": 1}}


def single(model, text=None):
    """LDM's names."""
    state = {}
    unet, vae = unet_names(model["unet"]), vae_names(model["vae"])
    for name, value in model["unet"].state_dict().items():
        state["model.diffusion_model." + unet[name]] = value
    for name, value in model["vae"].state_dict().items():
        state["first_stage_model." + vae[name]] = value
    state |= text or {"cond_stage_model.transformer." + name: value
                      for name, value in clip_state(model["text_encoder"]).items()}
    return state


def write_single(path, state, dtype, **more):
    state = {name: value if name in more.get("kept", ()) else value.to(dtype).contiguous()
             for name, value in state.items()}
    save_file(state, path, metadata={"config": json.dumps(CONFIG)})


def write_folder(folder, model, dtype, pipeline, scheduler):
    shutil.rmtree(folder, ignore_errors=True)
    index = {"_class_name": pipeline, "_diffusers_version": "0.42.1",
             "scheduler": ["diffusers", scheduler["_class_name"]]}
    for part, module in model.items():
        module.to(dtype).save_pretrained(folder / part)
        module.double()
        index[part] = ["transformers" if part.startswith("text") else "diffusers", type(module).__name__]
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler, indent=2) + "\n")
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")


# ---- two steps -----------------------------------------------------------------------------------

def hidden(model, words):
    text = model["text_encoder"]
    row = [VOCABULARY - 2] + words + [VOCABULARY - 1]
    padding = 0 if text.config.hidden_act == "gelu" else VOCABULARY - 1
    return text(torch.tensor([row + [padding] * (77 - len(row))])).last_hidden_state


def two_steps(model, scheduler, guidance=GUIDANCE):
    """From torch's noise of seed 5 by the prompt "a" (CLIP's token 320)."""
    unet, random = model["unet"], torch.Generator().manual_seed(5)
    positive, negative = hidden(model, [320]), hidden(model, [])
    noise = torch.randn(1, 4, 8, 8, generator=random).double()
    scheduler.set_timesteps(STEPS)
    sigmas = getattr(scheduler, "sigmas", None)
    x = noise * (sigmas[0].double() if sigmas is not None else (1 - scheduler.alphas_cumprod[999].double()) ** 0.5)
    condition = None
    if unet.config.time_cond_proj_dim:
        condition = LatentConsistencyModelPipeline.get_guidance_scale_embedding(
            None, torch.tensor([guidance - 1]).double(), unet.config.time_cond_proj_dim, torch.float64)
    for t in scheduler.timesteps:
        given = scheduler.scale_model_input(x, t)
        answer = unet(given, t, positive, timestep_cond=condition).sample
        if condition is None:
            empty = unet(given, t, negative).sample
            answer = empty + guidance * (answer - empty)
        if isinstance(scheduler, LCMScheduler):
            x, denoised = step_lcm(scheduler, answer, t, x, random)
        else:
            x = scheduler.step(answer, t, x).prev_sample
    x = denoised if isinstance(scheduler, LCMScheduler) else x
    config = model["vae"].config
    z = x / config.scaling_factor
    if config.latents_mean:
        z = z * torch.tensor(config.latents_std).view(1, 4, 1, 1) + torch.tensor(config.latents_mean).view(1, 4, 1, 1)
    return x, model["vae"].decode(z).sample


def step_lcm(scheduler, answer, t, x, random):
    """The scheduler's own step draws in the answer's type; the noise here is torch's float32."""
    state = random.get_state()
    result = scheduler.step(answer, t, x, generator=random)
    if t == scheduler.timesteps[-1]:
        return result.prev_sample, result.denoised
    random.set_state(state)
    noise = torch.randn(x.shape, generator=random).double()
    following = scheduler.alphas_cumprod[scheduler.timesteps[1]].double()
    return following ** 0.5 * result.denoised + (1 - following) ** 0.5 * noise, result.denoised


# ---- the cases -----------------------------------------------------------------------------------

def scheduler_json(scheduler, **more):
    return {"_class_name": type(scheduler).__name__} | {
        name: value for name, value in scheduler.config.items() if not name.startswith("_")} | more


def make_middles(folder, out):
    """SSD-1B and Vega have one block in the middle, KOALA-700M and BK-SDM none; three levels."""
    for i, (name, middle) in enumerate((("middle_one", "UNetMidBlock2D"), ("middle_none", None))):
        model = model_of(10 * i + 10, torch.float16, unet_of((8, 8, 8), middle))
        scheduler = DDIMScheduler(**BETAS, **DDIM)
        write_single(folder / f"{name}.safetensors", single(model), torch.float16)
        write_folder(folder / name, model, torch.float16, "StableDiffusionPipeline", scheduler_json(scheduler))
        out[f"{name}.latents"], out[f"{name}.picture"] = two_steps(model, scheduler)


def make_edm(folder, out):
    """Playground v2.5: statistics of the latents, epsilon over 0.002 to 80; CosXL: v up to 120."""
    mean, deviation = [-1.5, 1.75, -1.25, 2.5], [8.5, 5.75, 6.5, 5.25]
    model = model_of(40, torch.float16, unet_of(), scaling_factor=0.5, latents_mean=mean, latents_std=deviation)
    scheduler = EDMEulerScheduler(sigma_min=0.002, sigma_max=80.0, sigma_data=0.5)
    state = single(model) | {"edm_mean": torch.tensor(mean).view(1, 4, 1, 1),
                             "edm_std": torch.tensor(deviation).view(1, 4, 1, 1)}
    write_single(folder / "playground.safetensors", state, torch.float16, kept=("edm_mean", "edm_std"))
    write_folder(folder / "playground", model, torch.float16, "StableDiffusionXLPipeline",
                 scheduler_json(scheduler))
    out["playground.latents"], out["playground.picture"] = two_steps(model, scheduler)
    model = model_of(50, torch.float16, unet_of())
    scheduler = EDMEulerScheduler(sigma_min=0.002, sigma_max=120.0, sigma_data=1.0, prediction_type="v_prediction")
    state = single(model) | {"edm_vpred.sigma_max": torch.tensor(120.0), "edm_vpred.sigma_min": torch.tensor(0.002)}
    write_single(folder / "cosxl.safetensors", state, torch.float16,
                 kept=("edm_vpred.sigma_max", "edm_vpred.sigma_min"))
    out["cosxl.latents"], out["cosxl.picture"] = two_steps(model, scheduler)


def make_lcm(folder, out):
    model = model_of(60, torch.float16, unet_of(time_cond_proj_dim=32))
    scheduler = LCMScheduler(**BETAS, clip_sample=False)
    write_folder(folder / "lcm", model, torch.float16, "LatentConsistencyModelPipeline", scheduler_json(scheduler))
    out["lcm.latents"], out["lcm.picture"] = two_steps(model, scheduler, guidance=8.5)


def make_trimmed(folder, out):
    """SD 2.x: 24 layers of which the last is not used, or 23; v by what the metadata do not say."""
    scheduler = DDIMScheduler(**BETAS, **DDIM, prediction_type="v_prediction")
    model = model_of(70, torch.float16, unet_of(use_linear_projection=True))
    model["text_encoder"] = randomise(text_of(23, "gelu"), 72, torch.float16)
    for extra in (True, False):
        text = open_clip_state(model["text_encoder"], extra)
        state = single(model, {"cond_stage_model.model." + name: value for name, value in text.items()})
        write_single(folder / f"tower_{23 + extra}.safetensors", state, torch.float16)
    out["tower.latents"], out["tower.picture"] = two_steps(model, scheduler)


def make_sample(folder, out):
    """A folder whose scheduler says everything: linear betas, the sample itself, trailing steps."""
    model = model_of(80, torch.float16, unet_of())
    betas = BETAS | dict(beta_schedule="linear", beta_start=0.0001, beta_end=0.02)
    scheduler = DDIMScheduler(**betas, **DDIM, prediction_type="sample")
    write_folder(folder / "sample", model, torch.float16, "StableDiffusionPipeline", scheduler_json(scheduler))
    out["sample.latents"], out["sample.picture"] = two_steps(model, scheduler)


def make_fp8(folder, out):
    """scaled_fp8: each matrix as numbers of 8 bits and one factor, by either name."""
    model = model_of(90, torch.float16, unet_of())
    state, kept = single(model), set()
    ldm = {ours: theirs for theirs, ours in unet_names(model["unet"]).items()}
    for i, name in enumerate(list(state)):
        unet = name.removeprefix("model.diffusion_model.")
        if unet == name or not name.endswith(".weight") or state[name].dim() != 2:
            continue
        scale = (state[name].abs().max() / 448).float()
        stored = (state[name] / scale.double()).to(torch.float8_e4m3fn)
        dict(model["unet"].named_parameters())[ldm[unet]].copy_(stored.double() * scale.double())
        factor = name[:-len("weight")] + ("scale_weight" if i % 2 else "weight_scale")
        state[name], state[factor] = stored, scale
        kept |= {name, factor}
    state["scaled_fp8"] = torch.zeros(2).to(torch.float8_e4m3fn)
    write_single(folder / "scaled_fp8.safetensors", state, torch.float16, kept=kept | {"scaled_fp8"})
    out["scaled_fp8.latents"], out["scaled_fp8.picture"] = two_steps(model, DDIMScheduler(**BETAS, **DDIM))


def make_levels(out):
    """sigma of every level as diffusers' DDPM has them."""
    trained = (torch.linspace(0.01, 0.1, 1000) ** 2).tolist()
    for name, more in (("linear", dict(beta_schedule="linear", beta_start=0.0001, beta_end=0.02)),
                       ("cosine", dict(beta_schedule="squaredcos_cap_v2")),
                       ("trained", dict(trained_betas=trained)),
                       ("rescaled", dict(rescale_betas_zero_snr=True))):
        alphas = DDPMScheduler(**(BETAS | more)).alphas_cumprod.double()
        alphas[-1] = alphas[-1] or 4.8973451890853435e-08
        out[f"levels.{name}"] = ((1 - alphas) / alphas) ** 0.5


def make(folder):
    models = folder / "models" / "networks"
    models.mkdir(parents=True, exist_ok=True)
    out = {}
    for part in (make_middles, make_edm, make_lcm, make_trimmed, make_sample, make_fp8):
        part(models, out)
    make_levels(out)
    numbers = {name: value.float().contiguous() for name, value in sorted(out.items())
               if not name.endswith("picture") or name.startswith(("playground", "lcm"))}
    bad = [name for name, value in numbers.items() if not value.double().isfinite().all()]
    assert not bad, bad
    save_file(numbers, folder / "networks.safetensors", metadata={"torch": torch.__version__.split("+")[0]})
