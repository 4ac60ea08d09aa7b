# SPDX-License-Identifier: GPL-3.0-or-later
"""Random-weight models of every family, as single files (LDM's names) and diffusers folders, and what
diffusers and transformers compute with them, for tests/engine/test_{text_encoder,unet,vae}.c.

models/NAME.safetensors, models/NAME/   the models
models.safetensors                      inputs and outputs, "NAME.what"; computed in float64

The names are translated here, and translated back with diffusers' own converters to check that."""
import json
import re
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel
from diffusers.loaders.single_file_utils import (convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint,
                                                 convert_open_clip_checkpoint)
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

torch.set_grad_enabled(False)
torch.set_num_threads(2)

DEMO = Path(__file__).resolve().parents[2] / "models" / "gimp-diffusion-demo.safetensors"
VOCABULARY = 200
SMALL_CLIP = dict(vocab_size=VOCABULARY, hidden_size=64, intermediate_size=80, num_attention_heads=1,
                  max_position_embeddings=77, bos_token_id=VOCABULARY - 2,
                  eos_token_id=VOCABULARY - 1, pad_token_id=VOCABULARY - 1)


# ---- random weights ------------------------------------------------------------------------------

def randomise(module, seed, dtype):
    """Weights that keep activations of size 1, no bias 0 and no gain 1, rounded to dtype; float64."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in module.named_parameters():
        noise = torch.randn(value.shape, generator=generator)
        if "embedding" in name and value.dim() == 2 and "time" not in name and "add_" not in name:
            noise *= 0.5
        elif value.dim() > 1:
            noise /= value[0].numel() ** 0.5
        elif name.endswith("weight"):
            noise = 1 + 0.2 * noise
        else:
            noise *= 0.1
        value.copy_(noise.to(dtype))
    return module.double().eval()


# ---- LDM's names ---------------------------------------------------------------------------------

RESNET = {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1",
          "norm2": "out_layers.0", "conv2": "out_layers.3", "conv_shortcut": "skip_connection"}
UNET_ENDS = {"time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
             "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2",
             "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2"}


def unet_names(unet):
    blocks = unet.config.layers_per_block
    attended = [bool(getattr(block, "attentions", None)) for block in unet.up_blocks]
    names = {}
    for name in unet.state_dict():
        parts = name.split(".")
        end = next((end for end in UNET_ENDS if name.startswith(end + ".")), None)
        if end:
            names[name] = UNET_ENDS[end] + name[len(end):]
            continue
        middle = parts[0] == "mid_block"
        level = 0 if middle else int(parts[1])
        kind, index, *rest = parts[1 if middle else 2:]
        rest = ".".join(rest)
        if kind == "resnets":
            first, rest = rest.split(".", 1)
            rest = RESNET[first] + "." + rest
        if middle:
            place = f"middle_block.{2 * int(index) if kind == 'resnets' else 1}"
        elif parts[0] == "down_blocks":
            place = f"input_blocks.{1 + level * (blocks + 1) + int(index)}.{int(kind == 'attentions')}"
            if kind == "downsamplers":
                place, rest = f"input_blocks.{(level + 1) * (blocks + 1)}.0.op", parts[-1]
        else:
            place = f"output_blocks.{level * (blocks + 1) + int(index)}.{int(kind == 'attentions')}"
            if kind == "upsamplers":
                place = f"output_blocks.{level * (blocks + 1) + blocks}.{1 + attended[level]}"
        names[name] = f"{place}.{rest}"
    return names


def vae_names(vae):
    last = len(vae.config.block_out_channels) - 1
    names = {}
    for name in vae.state_dict():
        new = name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
        new = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", new)
        new = new.replace("mid_block.attentions.0.", "mid.attn_1.").replace("group_norm", "norm")
        new = new.replace("to_out.0", "proj_out")
        new = re.sub(r"attn_1\.to_", "attn_1.", new)
        new = re.sub(r"down_blocks\.(\d)\.resnets", r"down.\1.block", new)
        new = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", new)
        new = re.sub(r"up_blocks\.(\d)\.resnets", lambda m: f"up.{last - int(m[1])}.block", new)
        names[name] = re.sub(r"up_blocks\.(\d)\.upsamplers\.0",
                             lambda m: f"up.{last - int(m[1])}.upsample", new)
    return names


def clip_state(text):
    """HF's names as the models on the Hub have them."""
    return {name if name.startswith(("text_model.", "text_projection")) else "text_model." + name: value
            for name, value in text.state_dict().items() if not name.endswith("position_ids")}


def open_clip_state(text, extra_layer):
    """OpenCLIP's: query, key and value in one, the projection [in, out]; a last layer that is not used
    where diffusers' model leaves it away."""
    state, new = clip_state(text), {}
    ends = {"text_model.embeddings.token_embedding.weight": "token_embedding.weight",
            "text_model.embeddings.position_embedding.weight": "positional_embedding",
            "text_model.final_layer_norm.weight": "ln_final.weight",
            "text_model.final_layer_norm.bias": "ln_final.bias"}
    inner = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
             "self_attn.out_proj": "attn.out_proj"}
    layers = text.config.num_hidden_layers
    for name, value in state.items():
        layer = re.match(r"text_model\.encoder\.layers\.(\d+)\.(.*)\.(weight|bias)$", name)
        if name in ends:
            new[ends[name]] = value
        elif layer and layer[2] in inner:
            new[f"transformer.resblocks.{layer[1]}.{inner[layer[2]]}.{layer[3]}"] = value
        elif layer and layer[2] == "self_attn.q_proj":
            three = [state[name.replace("q_proj", which)] for which in ("q_proj", "k_proj", "v_proj")]
            new[f"transformer.resblocks.{layer[1]}.attn.in_proj_{layer[3]}"] = torch.cat(three)
    if extra_layer:
        for name in list(new):
            if name.startswith("transformer.resblocks.0."):
                new[name.replace(".0.", f".{layers}.", 1)] = new[name].flip(0)
    if "text_projection.weight" in state:
        new["text_projection"] = state["text_projection.weight"].T
    else: # SD 2.x's files have one that nobody uses
        new["text_projection"] = torch.zeros(text.config.hidden_size, 8).double()
    new["logit_scale"] = torch.tensor(4.6).double()
    return new


# ---- writing -------------------------------------------------------------------------------------

def write_single(path, model, dtype, config):
    state = {}
    unet, vae = unet_names(model["unet"]), vae_names(model["vae"])
    for name, value in model["unet"].state_dict().items():
        state["model.diffusion_model." + unet[name]] = value
    for name, value in model["vae"].state_dict().items():
        square = ".attn_1." in vae[name] and value.dim() == 2 # 1x1 convolutions there
        state["first_stage_model." + vae[name]] = value[:, :, None, None] if square else value
    texts = [text for text in (model["text_encoder"], model.get("text_encoder_2")) if text]
    if len(texts) == 2:
        prefixes = ["conditioner.embedders.0.transformer.", "conditioner.embedders.1.model."]
        parts = [clip_state(texts[0]), open_clip_state(texts[1], False)]
    elif texts[0].config.hidden_act == "gelu":
        prefixes, parts = ["cond_stage_model.model."], [open_clip_state(texts[0], True)]
    else:
        prefixes, parts = ["cond_stage_model.transformer."], [clip_state(texts[0])]
    for prefix, part in zip(prefixes, parts):
        state.update({prefix + name: value for name, value in part.items()})
    check_back(state, model, texts[-1])
    metadata = {"config": json.dumps(config)} # one key: safetensors writes several in any order
    save_file({name: value.to(dtype).contiguous() for name, value in state.items()}, path, metadata=metadata)


def check_back(state, model, text):
    """diffusers' converters make the models' own names and numbers of the file's."""
    def compare(new, want):
        assert set(want) <= set(new), set(want) - set(new)
        for name, value in want.items():
            assert torch.equal(new[name].reshape(value.shape), value), name

    unet, vae = model["unet"], model["vae"]
    compare(convert_ldm_unet_checkpoint(dict(state), dict(unet.config)), unet.state_dict())
    compare(convert_ldm_vae_checkpoint(dict(state), dict(vae.config)), vae.state_dict())
    if text.config.hidden_act == "gelu":
        prefix = next(name for name in state if name.endswith("token_embedding.weight")
                      and ".model." in name).removesuffix("token_embedding.weight")
        compare(convert_open_clip_checkpoint(text, dict(state), prefix=prefix), clip_state(text))


def write_folder(folder, model, dtype, scheduler, shard):
    shutil.rmtree(folder, ignore_errors=True)
    index = {"_class_name": "StableDiffusionXLPipeline" if "text_encoder_2" in model
             else "StableDiffusionPipeline", "_diffusers_version": "0.42.1"}
    for part, module in model.items():
        size = shard if part == "unet" and shard else "1GB"
        module.to(dtype).save_pretrained(folder / part, max_shard_size=size)
        module.double()
        index[part] = ["transformers" if part.startswith("text") else "diffusers", type(module).__name__]
    index["scheduler"] = ["diffusers", "DDIMScheduler"]
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler, indent=2) + "\n")
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")


# ---- what the references compute -----------------------------------------------------------------

def noise(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).double()


def prompts(n, t, seed, vocabulary=VOCABULARY):
    """Rows of random words between the first and the last token; after that padding."""
    tokens = torch.randint(1, min(vocabulary - 2, 5000), (n, t), generator=torch.Generator().manual_seed(seed))
    tokens[:, 0] = vocabulary - 2
    for i in range(n):
        tokens[i, t - 1 - 3 * i * (t > 5):] = vocabulary - 1
    return tokens


def text_numbers(out, key, text, tokens, layer, final_norm):
    """layer counts from the end: -1 the last layer's output; one layer earlier is kept too."""
    result = text(tokens, output_hidden_states=True)
    norm = getattr(text, "text_model", text).final_layer_norm
    for name, index in ((f"{key}.text", layer), (f"{key}.text_earlier", layer - 1)):
        hidden = result.hidden_states[index]
        out[name] = norm(hidden) if final_norm else hidden
    if hasattr(result, "text_embeds"):
        out[f"{key}.pooled"] = result.text_embeds
    out[f"{key}.tokens"] = tokens.clone()


def unet_numbers(out, key, unet, h, w, seed, tiled=False):
    """Two items with conditions of different lengths; `tiled` with padding that wraps around."""
    config = unet.config
    latents = noise(seed, 2, config.in_channels, h, w)
    times = torch.tensor([981.0, 37.25]).double()
    contexts = [noise(seed + 1, 1, 9, config.cross_attention_dim),
                noise(seed + 2, 1, 14, config.cross_attention_dim)]
    labels = None
    if config.addition_embed_type == "text_time":
        pooled = config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim
        sizes = torch.tensor([[1024, 768, 0, 8, 1024, 1024], [512, 512, 16, 0, 640, 512]]).double()
        labels = dict(text_embeds=noise(seed + 3, 2, pooled), time_ids=sizes)
        waves = unet.add_time_proj(sizes.flatten()).reshape(2, -1)
        out[f"{key}.y"] = torch.cat([labels["text_embeds"], waves.double()], dim=-1)

    def run():
        return torch.cat([unet(latents[i:i + 1], times[i:i + 1], contexts[i],
                               added_cond_kwargs=labels and {name: value[i:i + 1]
                                                             for name, value in labels.items()}).sample
                          for i in range(2)])
    out[f"{key}.output"] = run()
    if tiled:
        with wrapped(unet):
            out[f"{key}.output_tiled"] = run()
    out[f"{key}.latents"], out[f"{key}.timesteps"] = latents, times
    out[f"{key}.context.0"], out[f"{key}.context.1"] = contexts


class wrapped:
    """Convolutions of a module pad by wrapping around."""
    def __init__(self, module):
        self.layers = [layer for layer in module.modules()
                       if isinstance(layer, torch.nn.Conv2d) and layer.kernel_size == (3, 3)]

    def set(self, mode):
        for layer in self.layers:
            layer.padding_mode = mode
            layer._reversed_padding_repeated_twice = [1, 1, 1, 1]

    def __enter__(self):
        self.set("circular")

    def __exit__(self, *_):
        self.set("zeros")


def vae_numbers(out, key, vae, h, w, seed, tiled=False):
    factor = 2 ** (len(vae.config.block_out_channels) - 1)
    z = noise(seed, 1, vae.config.latent_channels, h, w)
    image = noise(seed + 1, 1, 3, (h - 2) * factor, w * factor).tanh()
    out[f"{key}.z"], out[f"{key}.decoded"] = z, vae.decode(z).sample
    out[f"{key}.image"], out[f"{key}.moments"] = image, vae._encode(image)
    if tiled:
        with wrapped(vae.decoder):
            out[f"{key}.decoded_tiled"] = vae.decode(z).sample


def taesd_numbers(out, key, taesd, seed):
    latents, image = noise(seed, 1, 4, 5, 7), noise(seed + 1, 1, 3, 40, 24).tanh()
    out[f"{key}.latents"], out[f"{key}.image"] = latents, image
    out[f"{key}.decoded"] = taesd.decode(latents).sample
    out[f"{key}.encoded"] = taesd.encode(image).latents


# ---- the models ----------------------------------------------------------------------------------

def unet_of(channels, depths, in_channels=4, groups=8, context=64, heads=8, linear=False, blocks=1, **more):
    """depths: layers of the transformers at each level, 0 for none."""
    return UNet2DConditionModel(
        in_channels=in_channels, block_out_channels=channels, layers_per_block=blocks,
        down_block_types=["CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in depths],
        up_block_types=["CrossAttnUpBlock2D" if depth else "UpBlock2D" for depth in depths[::-1]],
        mid_block_type="UNetMidBlock2DCrossAttn", transformer_layers_per_block=[d or 1 for d in depths],
        norm_num_groups=groups, cross_attention_dim=context, attention_head_dim=heads,
        use_linear_projection=linear, **more)


def vae_of(channels, groups=4, blocks=1, **more):
    count = len(channels)
    return AutoencoderKL(block_out_channels=channels, layers_per_block=blocks, norm_num_groups=groups,
                         down_block_types=["DownEncoderBlock2D"] * count,
                         up_block_types=["UpDecoderBlock2D"] * count, **more)


def family(name):
    """(modules, dtype, config that shapes cannot tell)"""
    if name == "sd1":
        model = dict(unet=unet_of((8, 16, 24), (1, 1, 0)), vae=vae_of((8, 16, 16, 16)),
                     text_encoder=CLIPTextModel(CLIPTextConfig(num_hidden_layers=3, **SMALL_CLIP)))
        return model, torch.float16, {"unet": {"norm_num_groups": 8}, "vae": {"norm_num_groups": 4}}
    if name == "sd1_instruct":
        model = dict(unet=unet_of((8, 12), (1, 0), 8, 4, heads=4, blocks=2), vae=vae_of((8, 12, 16)),
                     text_encoder=CLIPTextModel(CLIPTextConfig(num_hidden_layers=1, **SMALL_CLIP)))
        return model, torch.float32, {"unet": {"norm_num_groups": 4, "attention_head_dim": 4}, "vae": {"norm_num_groups": 4}}
    if name == "sd1_inpaint":
        model = dict(unet=unet_of((8, 16), (0, 2), 9, 4), vae=vae_of((8, 16), blocks=2),
                     text_encoder=CLIPTextModel(CLIPTextConfig(num_hidden_layers=2, **SMALL_CLIP)))
        return model, torch.bfloat16, {"unet": {"norm_num_groups": 4}, "vae": {"norm_num_groups": 4}}
    if name == "sd2":
        clip = CLIPTextConfig(num_hidden_layers=2, hidden_act="gelu", **SMALL_CLIP)
        model = dict(unet=unet_of((8, 16), (1, 1), heads=[1, 2], linear=True), vae=vae_of((8, 8, 16)),
                     text_encoder=CLIPTextModel(clip))
        return model, torch.float16, {"unet": {"norm_num_groups": 8, "attention_head_dim": [1, 2]},
                                      "vae": {"norm_num_groups": 4}}
    projection = dict(num_hidden_layers=3, hidden_act="gelu", projection_dim=24)
    model = dict(unet=unet_of((8, 16, 24), (0, 1, 2), context=128, heads=[1, 2, 3], linear=True,
                              addition_embed_type="text_time", addition_time_embed_dim=256,
                              projection_class_embeddings_input_dim=24 + 6 * 256),
                 vae=vae_of((8, 16, 16), scaling_factor=0.13025),
                 text_encoder=CLIPTextModel(CLIPTextConfig(num_hidden_layers=2, **SMALL_CLIP)),
                 text_encoder_2=CLIPTextModelWithProjection(CLIPTextConfig(**projection, **SMALL_CLIP)))
    return model, torch.float16, {"unet": {"norm_num_groups": 8, "attention_head_dim": [1, 2, 3]},
                                  "vae": {"norm_num_groups": 4}}


SCHEDULER = {"_class_name": "DDIMScheduler", "beta_start": 0.00085, "beta_end": 0.012,
             "beta_schedule": "scaled_linear", "num_train_timesteps": 1000, "prediction_type": "epsilon"}
SIZES = {"sd1": (9, 7), "sd1_instruct": (6, 5), "sd1_inpaint": (5, 8), "sd2": (7, 7), "sdxl": (9, 10)}


def make_family(folder, out, name, seed):
    model, dtype, config = family(name)
    for i, module in enumerate(model.values()):
        randomise(module, seed + i, dtype)
    if name == "sd1_instruct": # so small that each norm's epsilon shows
        for part in ("unet", "vae"):
            for key, value in model[part].named_parameters():
                if re.search(r"\b(conv_in|conv2|conv_shortcut)\.", key):
                    value.copy_((value * 0.02).to(dtype))
    write_single(folder / f"{name}.safetensors", model, dtype, config)
    if name in ("sd1", "sd2", "sdxl"):
        scheduler = SCHEDULER | {"prediction_type": "v_prediction" if name == "sd2" else "epsilon"}
        write_folder(folder / name, model, dtype, scheduler, "150KB" if name == "sdxl" else None)
    two = "text_encoder_2" in model
    tokens = prompts(2, 77 if name == "sd1" else 12, seed)
    text_numbers(out, name, model["text_encoder"], tokens, -2 if two else -1, not two)
    if two:
        text_numbers(out, name + ".second", model["text_encoder_2"], tokens, -2, False)
    h, w = SIZES[name]
    unet_numbers(out, name, model["unet"], h, w, seed + 10, tiled=name in ("sd1", "sdxl"))
    vae_numbers(out, name, model["vae"], 9 if name == "sd1" else 4, 5, seed + 20, tiled=name == "sd1")


def make_taesd(folder, out):
    taesd = AutoencoderTiny(encoder_block_out_channels=(12,) * 4, decoder_block_out_channels=(12,) * 4)
    randomise(taesd, 70, torch.float16)
    for name, value in taesd.named_parameters(): # deep and without norms: keep it from growing
        if value.dim() == 4:
            value.copy_((0.6 * value).half())
    state = {name: value.half().contiguous() for name, value in taesd.state_dict().items()}
    for side, shift in (("encoder", 0), ("decoder", 1)):
        half = {}
        for name, value in state.items():
            if name.startswith(side):
                index, rest = name.removeprefix(side + ".layers.").split(".", 1)
                half[f"{int(index) + shift}.{rest}"] = value
        save_file(half, folder / f"taesd_{side}.safetensors", metadata={"format": "pt"})
    shutil.rmtree(folder / "taesd", ignore_errors=True)
    taesd.half().save_pretrained(folder / "taesd")
    taesd_numbers(out, "taesd", taesd.double(), 71)


def demo_models():
    """The demo checkpoint in diffusers' classes."""
    state = load_file(DEMO)
    unet = unet_of((64, 128, 192), (0, 1, 1), context=128)
    vae = vae_of((32, 32, 64, 64), groups=8)
    clip = {name.removeprefix("cond_stage_model.transformer."): value for name, value in state.items()
            if name.startswith("cond_stage_model.") and not name.endswith("position_ids")}
    width, wide = clip["text_model.embeddings.token_embedding.weight"].shape[1], \
        clip["text_model.encoder.layers.0.mlp.fc1.weight"].shape[0]
    text = CLIPTextModel(CLIPTextConfig(hidden_size=width, intermediate_size=wide, num_attention_heads=2,
                                        num_hidden_layers=3, eos_token_id=49407))
    unet.load_state_dict(convert_ldm_unet_checkpoint(dict(state), dict(unet.config)))
    converted = convert_ldm_vae_checkpoint(dict(state), dict(vae.config))
    vae.load_state_dict({name: value.reshape(vae.state_dict()[name].shape)
                         for name, value in converted.items()})
    known = set(text.state_dict())
    missing = text.load_state_dict({name if name in known else name.removeprefix("text_model."): value
                                    for name, value in clip.items()}, strict=False)
    assert not missing.unexpected_keys and all("position_ids" in key for key in missing.missing_keys), missing
    return unet.double().eval(), vae.double().eval(), text.double().eval()


def make(folder):
    models = folder / "models"
    models.mkdir(parents=True, exist_ok=True)
    out = {}
    for i, name in enumerate(SIZES):
        make_family(models, out, name, 1000 * (i + 1))
    make_taesd(models, out)
    unet, vae, text = demo_models()
    text_numbers(out, "demo", text, prompts(1, 77, 80, 49408), -1, True)
    unet_numbers(out, "demo", unet, 17, 12, 81)
    vae_numbers(out, "demo", vae, 10, 8, 85)
    numbers = {name: value.long() if name.endswith("tokens") else value.float()
               for name, value in out.items()}
    bad = [name for name, value in numbers.items() if not value.double().isfinite().all()]
    assert not bad, bad
    save_file({name: value.contiguous() for name, value in sorted(numbers.items())},
              folder / "models.safetensors", metadata={"torch": torch.__version__.split("+")[0]})
