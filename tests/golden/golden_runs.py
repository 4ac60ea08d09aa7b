# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole runs of the demo checkpoint in diffusers' and transformers' own classes: 20 steps from torch's
noise of seed 5, guidance 7, Euler over two schedules; latents in fp32, pictures in 8 bits."""
import hashlib
import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel

MODELS = Path(__file__).resolve().parents[2] / "models"
# "a dog on a blue background" and "blurry" as CLIP's tokenizer numbers them
PROMPT, NEGATIVE = [320, 1929, 525, 320, 1746, 5994], [21977]
BETAS = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="linspace",
             prediction_type="v_prediction")


def load(path):
    sys.path.insert(0, str(MODELS / "training"))
    import train
    weights = load_file(path)
    unet, vae = UNet2DConditionModel(**train.UNET), AutoencoderKL(**train.VAE)
    text = CLIPTextModel(CLIPTextConfig(**train.CLIP))
    unet.load_state_dict(convert_ldm_unet_checkpoint(dict(weights), dict(unet.config)))
    vae.load_state_dict(convert_ldm_vae_checkpoint(dict(weights), dict(vae.config)))
    prefix = "cond_stage_model.transformer."
    state = {k[len(prefix):]: v for k, v in weights.items() if k.startswith(prefix)}
    text.load_state_dict({k: state[k if k in state else "text_model." + k] for k in text.state_dict()})
    return [net.float().eval() for net in (unet, vae, text)]


def run(unet, vae, hidden, karras):
    scheduler = EulerDiscreteScheduler(**BETAS, use_karras_sigmas=karras)
    scheduler.set_timesteps(20)
    x = torch.randn(1, 4, 32, 32, generator=torch.Generator().manual_seed(5)) * scheduler.sigmas[0]
    for t in scheduler.timesteps:
        both = unet(scheduler.scale_model_input(torch.cat([x, x]), t), t, hidden).sample
        negative, positive = both.chunk(2)
        x = scheduler.step(negative + 7 * (positive - negative), t, x).prev_sample
    picture = vae.decode(x / 0.18215).sample.clamp(-1, 1)
    return x, ((picture + 1) * 127.5).round().byte()


@torch.no_grad()
def make(folder):
    torch.set_num_threads(1)
    path = MODELS / "gimp-diffusion-demo.safetensors"
    unet, vae, text = load(path)
    rows = [[49406] + ids + [49407] * (76 - len(ids)) for ids in (NEGATIVE, PROMPT)]
    hidden = text(torch.tensor(rows)).last_hidden_state
    out = {}
    for name, karras in (("normal", False), ("karras", True)):
        out[name + ".latents"], out[name + ".picture"] = run(unet, vae, hidden, karras)
    save_file({k: v.contiguous() for k, v in out.items()}, folder / "runs.safetensors",
              metadata={"checkpoint": hashlib.sha256(path.read_bytes()).hexdigest()})
