# SPDX-License-Identifier: GPL-3.0-or-later
"""Noise, schedules and whole sampling runs for tests/engine/test_{noise,schedule,sampler,denoise}.c.

References: torch.randn; NumPy after A1111's description of Philox; k-diffusion's samplers (PyPI
k-diffusion 0.1.1.post1, sampling.py and external.py alone) and diffusers' UniPC, all in float64.
Where diffusers has a sampler too, both are compared here."""
import importlib
import importlib.metadata
import sys
import types
from pathlib import Path

import diffusers
import numpy as np
import scipy.stats
import torch
from safetensors.numpy import save_file

torch.set_grad_enabled(False)

SCHEDULES = ["normal", "karras", "exponential", "simple", "sgm_uniform", "ddim_uniform", "beta"]
SAMPLERS = ["euler", "euler_a", "heun", "dpm2", "dpmpp_2m", "dpmpp_2m_sde", "dpmpp_sde", "unipc",
            "ddim", "lcm"]
SHAPE = (1, 4, 6, 5)
SEED = 1234


def load_k_diffusion():
    """Its two files we need, without the training code and what that imports."""
    package = types.ModuleType("k_diffusion")
    package.__path__ = [str(Path(importlib.metadata.distribution("k-diffusion").locate_file("k_diffusion")))]
    utils = types.ModuleType("k_diffusion.utils")
    utils.append_dims = lambda x, rank: x[(...,) + (None,) * (rank - x.ndim)]
    package.utils = utils
    sys.modules.update({"k_diffusion": package, "k_diffusion.utils": utils})
    for name, attribute in (("torchdiffeq", "odeint"), ("torchsde", "BrownianTree")):
        stub = types.ModuleType(name)
        setattr(stub, attribute, None)
        sys.modules[name] = stub
    loaded = tuple(importlib.import_module("k_diffusion." + name) for name in ("sampling", "external"))
    for name in ("torchdiffeq", "torchsde"):  # diffusers looks for the real one
        del sys.modules[name]
    return loaded


K_SAMPLING, K_EXTERNAL = load_k_diffusion()


# ---- noise --------------------------------------------------------------------------------------

class Philox:
    """A1111's "NV" source: one counter a call, the first number of each Box-Muller pair."""

    def __init__(self, seed):
        self.key, self.calls = (seed & 0xFFFFFFFF, seed >> 32), 0

    def draw(self, count):
        low, half = np.uint64(0xFFFFFFFF), np.uint64(32)
        zeros = np.zeros(count, np.uint64)
        c = [zeros + np.uint64(self.calls), zeros, np.arange(count, dtype=np.uint64), zeros]
        k0, k1 = self.key
        for _ in range(10):
            a, b = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
            c = [b >> half ^ c[1] ^ np.uint64(k0), b & low, a >> half ^ c[3] ^ np.uint64(k1), a & low]
            k0, k1 = k0 + 0x9E3779B9 & 0xFFFFFFFF, k1 + 0xBB67AE85 & 0xFFFFFFFF
        self.calls += 1
        step = float(np.float32(2.3283064e-10))
        turn = float(np.float32(2.3283064e-10 * 6.2831855))
        u, v = c[0].astype(float) * step + step / 2, c[1].astype(float) * turn + turn / 2
        return (np.sqrt(-2 * np.log(u)) * np.sin(v)).astype(np.float32)


def noise_numbers(out):
    """Two calls for each seed: 37 numbers (blocks of 16 and a tail), then 37 again."""
    seeds = [0, 1234, 2**32 + 5, 2**64 - 1]
    for seed in seeds:
        philox = Philox(seed)
        generator = torch.Generator().manual_seed(seed if seed < 2**63 else seed - 2**64)
        for call in range(2):
            out[f"noise.gpu.{seed:x}.{call}"] = philox.draw(37)
            out[f"noise.cpu.{seed:x}.{call}"] = torch.randn(37, generator=generator).numpy()
        for call in range(3):
            out[f"noise.cpu.small.{seed:x}.{call}"] = torch.randn(7, generator=generator).numpy()


# ---- noise levels ---------------------------------------------------------------------------------

def model_sigmas(zero_terminal_snr):
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    alphas = np.cumprod(1 - betas).astype(np.float32).astype(float)
    if zero_terminal_snr:  # Lin et al. 2023, algorithm 1, and ComfyUI's last alpha
        roots = np.sqrt(alphas)
        roots = (roots - roots[-1]) * roots[0] / (roots[0] - roots[-1])
        alphas = roots**2
        alphas[-1] = 4.8973451890853435e-08
    return np.sqrt((1 - alphas) / alphas)


def schedule(name, sigmas, steps):
    at_time = lambda times: np.exp(np.interp(times, np.arange(1000), np.log(sigmas)))
    if name == "normal":
        run = at_time(np.linspace(999, 0, steps))
    elif name == "karras":
        ends = sigmas[-1] ** (1 / 7), sigmas[0] ** (1 / 7)
        run = np.linspace(*ends, steps) ** 7
    elif name == "exponential":
        run = np.exp(np.linspace(np.log(sigmas[-1]), np.log(sigmas[0]), steps))
    elif name == "simple":
        run = np.array([sigmas[-(1 + int(i * (1000 / steps)))] for i in range(steps)])
    elif name == "sgm_uniform":
        run = at_time(np.linspace(999, 0, steps + 1)[:-1])
    elif name == "ddim_uniform":
        run = sigmas[[i * 1000 // steps + (steps < 1000) for i in range(steps)]][::-1]
        if steps == 1:
            run = sigmas[[999]]
        elif 1000 % steps == 0:
            assert (run == sigmas[1 :: 1000 // steps][::-1]).all(), "not ComfyUI's"
    else:
        shares = 1 - np.linspace(0, 1, steps, endpoint=False)
        times = np.rint(scipy.stats.beta.ppf(shares, 0.6, 0.6) * 999).astype(int)
        run = sigmas[[t for i, t in enumerate(times) if i == 0 or t != times[i - 1]]]
    return np.append(run, 0.0)


def schedule_numbers(out):
    for suffix, zero in (("", False), (".zero_snr", True)):
        sigmas = model_sigmas(zero)
        out["levels" + suffix] = sigmas
        for name in SCHEDULES:
            for steps in (1, 2, 7, 20, 999):
                if steps < 999 or name in ("beta", "ddim_uniform"):
                    out[f"sigmas{suffix}.{name}.{steps}"] = schedule(name, sigmas, steps)
    for name, theirs in (("karras", K_SAMPLING.get_sigmas_karras),
                         ("exponential", K_SAMPLING.get_sigmas_exponential)):
        sigmas = model_sigmas(False)
        theirs = theirs(20, sigmas[0], sigmas[-1]).numpy()
        assert np.allclose(theirs, schedule(name, sigmas, 20), rtol=1e-5, atol=0), name


# ---- a network of one line -------------------------------------------------------------------------

def network(x, time, prompt, concat=None):
    """What tests/engine/sample_help.c computes as tiny_network(): [n, c, h, w] -> the same."""
    u = time.reshape(-1, 1, 1, 1) / 999
    c = torch.arange(x.shape[1], dtype=x.dtype).reshape(1, -1, 1, 1)
    beyond = 0 if concat is None else 0.3 * concat.sum(1, keepdim=True)
    return ((0.25 + 0.7 * u) * x
            + 0.1 * torch.sin(0.8 * x.roll(-1, 1) + 0.9 * c + 2.3 * prompt + 3 * u)
            + 0.1 * torch.cos(x + beyond))


def denoiser(sigmas, v_prediction=False):
    """k-diffusion's wrapper, times interpolated; called with (x, sigma, **arguments of network)."""
    alphas = torch.tensor(1 / (sigmas**2 + 1))
    kind = K_EXTERNAL.DiscreteVDDPMDenoiser if v_prediction else K_EXTERNAL.DiscreteEpsDDPMDenoiser
    return kind(network, alphas, quantize=False)


# ---- samplers ----------------------------------------------------------------------------------------

class BrownianPath:
    """Unit-variance increments of one path over sigma, for k-diffusion's noise_sampler: the two
    intervals of a step of dpmpp_sde begin at the same level and overlap."""

    def __init__(self, source):
        self.source, self.last = source, None

    def fresh(self):
        return torch.tensor(self.source.draw(int(np.prod(SHAPE)))).double().reshape(SHAPE)

    def __call__(self, high, low):
        high, low = float(high), float(low)
        if self.last and self.last[0] == high:
            _, middle, increment = self.last
            whole = increment * (high - middle) ** 0.5 + self.fresh() * (middle - low) ** 0.5
            return whole / (high - low) ** 0.5
        increment = self.fresh()
        self.last = high, low, increment
        return increment


def diffusers_run(scheduler, model, x, sigmas):
    """A run of a diffusers scheduler over any sigmas; it holds x / sqrt(sigma^2 + 1)."""
    times = model.sigma_to_t(torch.tensor(sigmas[:-1]))
    scheduler.set_timesteps(len(times))
    scheduler.sigmas, scheduler.timesteps = torch.tensor(sigmas), times
    scheduler.num_inference_steps = len(times)
    scheduler.set_begin_index(0)
    held = x / (sigmas[0] ** 2 + 1) ** 0.5
    states = []
    for time, sigma, after in zip(times, sigmas[:-1], sigmas[1:]):
        x = held * (sigma**2 + 1) ** 0.5
        answer = (x - model(x, torch.tensor([sigma]), prompt=0)) / sigma
        held = scheduler.step(answer, time, held, return_dict=False)[0]
        states.append(held * (after**2 + 1) ** 0.5)
    return states


def unipc(model, x, sigmas):
    return diffusers_run(diffusers.UniPCMultistepScheduler(beta_schedule="scaled_linear"), model, x, sigmas)


def ddim(model, x, sigmas):
    """Song et al. 2020, equation 12 with eta 0, in the variables of the paper."""
    states = []
    for sigma, after in zip(sigmas[:-1], sigmas[1:]):
        answer = (x - model(x, torch.tensor([sigma]), prompt=0)) / sigma
        here, there = 1 / (sigma**2 + 1), 1 / (after**2 + 1)
        held = x * here**0.5
        held = there**0.5 * (held - (1 - here) ** 0.5 * answer) / here**0.5 + (1 - there) ** 0.5 * answer
        x = held / there**0.5
        states.append(x)
    return states


def lcm(model, x, sigmas, source):
    states = []
    for sigma, after in zip(sigmas[:-1], sigmas[1:]):
        x = model(x, torch.tensor([sigma]), prompt=0)
        if after > 0:
            x = x + after * BrownianPath(source).fresh()
        states.append(x)
    return states


K_NAMES = {"euler": "sample_euler", "euler_a": "sample_euler_ancestral", "heun": "sample_heun",
           "dpm2": "sample_dpm_2", "dpmpp_2m": "sample_dpmpp_2m",
           "dpmpp_2m_sde": "sample_dpmpp_2m_sde", "dpmpp_sde": "sample_dpmpp_sde"}


def run(sampler, model, x, sigmas, source):
    """x after each step, as the sampler holds it."""
    if sampler == "unipc":
        return unipc(model, x, sigmas)
    if sampler == "ddim":
        return ddim(model, x, sigmas)
    if sampler == "lcm":
        return lcm(model, x, sigmas, source)
    states = []
    arguments = {"extra_args": {"prompt": 0}, "disable": True,
                 "callback": lambda now: states.append(now["x"].clone())}
    if sampler in ("euler_a", "dpmpp_2m_sde", "dpmpp_sde"):
        arguments["noise_sampler"] = BrownianPath(source)
    end = getattr(K_SAMPLING, K_NAMES[sampler])(model, x, torch.tensor(sigmas), **arguments)
    return states[1:] + [end]


def check_against_diffusers(model, x, sigmas):
    """Their independent code of the same methods gives the same latents."""
    kept = {"beta_schedule": "scaled_linear"}
    others = {"euler": diffusers.EulerDiscreteScheduler, "dpmpp_2m": diffusers.DPMSolverMultistepScheduler}
    for sampler, kind in others.items():
        ours = run(sampler, model, x, sigmas, None)[-1]
        if sampler == "euler":  # holds x as k-diffusion does, but scales the network's input itself
            held, scheduler = x, kind(**kept)
            scheduler.set_timesteps(len(sigmas) - 1)
            scheduler.sigmas, scheduler.timesteps = torch.tensor(sigmas), torch.arange(len(sigmas) - 1.0)
            scheduler.set_begin_index(0)
            for time, sigma in zip(scheduler.timesteps, sigmas[:-1]):
                scheduler.is_scale_input_called = True
                answer = (held - model(held, torch.tensor([sigma]), prompt=0)) / sigma
                held = scheduler.step(answer, time, held, return_dict=False)[0].double()
            theirs = held
        else:
            theirs = diffusers_run(kind(**kept), model, x, sigmas)[-1]
        worst = (ours - theirs).abs().max()
        assert worst < 1e-4, (sampler, worst)


def sampler_numbers(out):
    sigmas = model_sigmas(False)
    model = denoiser(sigmas)
    check_against_diffusers(model, torch.tensor(Philox(SEED).draw(120)).double().reshape(SHAPE)
                            * sigmas[-1], schedule("karras", sigmas, 20))
    for sampler in SAMPLERS:
        for name in SCHEDULES:
            for steps in (20, 2):
                source = Philox(SEED)
                levels = schedule(name, sigmas, steps)
                x = torch.tensor(source.draw(120)).double().reshape(SHAPE) * levels[0]
                states = run(sampler, model, x, levels, source)
                assert len(states) == len(levels) - 1
                if steps == 20 and name == "karras":
                    out[f"run.{sampler}"] = torch.cat(states).float().numpy()
                if steps == 20 or name == "karras":
                    out[f"end.{sampler}.{name}.{steps}"] = states[-1][0].float().numpy()


# ---- the loop around them -------------------------------------------------------------------------------

def guided(sigmas, v_prediction=False, cfg=1.0, rescale=0.0, concat=None, image_cfg=None):
    """A model for K_SAMPLING with guidance on the network's answers, as diffusers has it."""
    def answers(x, time, prompt):
        ask = lambda which, beyond: network(x, time, which, beyond)
        positive = ask(0, concat)
        if image_cfg is not None:
            blind = ask(1, torch.zeros_like(concat))
            image = ask(1, concat)
            result = blind + image_cfg * (image - blind) + cfg * (positive - image)
        else:
            result = ask(1, concat)
            result = result + cfg * (positive - result)
        if rescale > 0:
            result = rescale * result * positive.std() / result.std() + (1 - rescale) * result
        return result
    model = denoiser(sigmas, v_prediction)
    model.inner_model = answers
    return model


def interval(guided_model, plain, levels, start, end):
    """Guidance between two shares of the steps: A1111's "Skip Early CFG", and an end."""
    def call(x, sigma, prompt):
        step = int((torch.as_tensor(levels) > float(sigma) * (1 + 1e-9)).sum())
        share = step / (len(levels) - 1)
        inside = not (start and share <= start) and share < end
        return (guided_model if inside else plain)(x, sigma, prompt=prompt)
    return call


def masked(model, sigmas, run_sigmas, mask, source, noise):
    """ComfyUI's KSamplerX0Inpaint with differential diffusion, thresholds over the steps that run."""
    time = lambda sigma: float(model.sigma_to_t(torch.tensor([float(sigma)])))
    first, last = time(run_sigmas[0]), time(run_sigmas[-2])

    def call(x, sigma, prompt):
        threshold = (time(sigma) - last) / (first - last) if first > last else 0
        paint = ((mask >= threshold) & (mask > 0) | (mask > 0.99)).double()
        x = x * paint + (source + noise * sigma) * (1 - paint)
        return model(x, sigma, prompt=prompt) * paint + source * (1 - paint)
    return call


def loop_numbers(out):
    sigmas, zero_sigmas = model_sigmas(False), model_sigmas(True)
    draw = lambda seed, shape: torch.tensor(Philox(seed).draw(int(np.prod(shape)))).double().reshape(shape)
    noise, source = draw(SEED, SHAPE), draw(99, SHAPE)
    image, beyond = draw(100, SHAPE), draw(101, (1, 5) + SHAPE[2:])
    mask = torch.linspace(-0.2, 1.2, 30).clamp(0, 1).double().reshape(1, 1, 6, 5)
    mask[0, 0, 3, 2] = 0.995
    out["loop.source"], out["loop.image"] = source.float().numpy(), image.float().numpy()
    out["loop.beyond"], out["loop.soft"] = beyond.float().numpy(), mask.float().numpy()
    mask = mask.float().double()

    cases = {
        "cfg": (guided(sigmas, cfg=7.0), "dpmpp_2m", "karras", sigmas),
        "cfg_sde": (guided(sigmas, cfg=7.0), "dpmpp_sde", "karras", sigmas),
        "rescale": (guided(sigmas, cfg=7.0, rescale=0.7), "euler", "normal", sigmas),
        "v": (guided(sigmas, v_prediction=True, cfg=5.0), "heun", "exponential", sigmas),
        "v_zero_snr": (guided(zero_sigmas, v_prediction=True, cfg=5.0, rescale=0.7), "dpmpp_2m",
                       "karras", zero_sigmas),
        "instruct": (guided(sigmas, cfg=7.5, image_cfg=1.5, concat=image), "euler", "karras", sigmas),
        "inpaint": (guided(sigmas, cfg=7.0, concat=beyond), "dpmpp_2m", "karras", sigmas),
    }
    for name, (model, sampler, form, levels) in cases.items():
        steps = schedule(form, levels, 20)
        philox = Philox(SEED)
        philox.draw(120)
        out["loop." + name] = run(sampler, model, noise * steps[0], steps, philox)[-1].float().numpy()

    karras, normal = schedule("karras", sigmas, 20), schedule("normal", sigmas, 20)
    plain, blind = guided(sigmas), guided(sigmas, cfg=1.0, image_cfg=1.0, concat=image)
    for name, model, sampler, levels in (
            ("interval", interval(guided(sigmas, cfg=7.0), plain, karras, 0.2, 0.6), "dpmpp_2m", karras),
            ("interval_rescale", interval(guided(sigmas, cfg=7.0, rescale=0.7), plain, normal, 0, 0.35),
             "euler", normal),
            ("interval_instruct", interval(guided(sigmas, cfg=7.5, image_cfg=1.5, concat=image), blind,
                                           karras, 0.5, 1.0), "euler", karras)):
        philox = Philox(SEED)
        philox.draw(120)
        out["loop." + name] = run(sampler, model, noise * levels[0], levels, philox)[-1].float().numpy()

    model = guided(sigmas, cfg=7.0)
    for name, steps, sampler, soft in (
            ("strength", schedule("karras", sigmas, 20)[8:], "dpmpp_2m", None),
            ("mask", schedule("karras", sigmas, 20), "dpmpp_2m", mask),
            ("mask_strength", schedule("normal", sigmas, 20)[5:], "heun", mask),
            ("mask_ancestral", schedule("karras", sigmas, 20), "euler_a", mask)):
        philox = Philox(SEED)
        philox.draw(120)
        call = model if soft is None else masked(model, sigmas, steps, soft, source, noise)
        end = run(sampler, call, source + noise * steps[0], steps, philox)[-1]
        if soft is not None:
            end = torch.where(soft > 0, end, source)
        out["loop." + name] = end.float().numpy()


def make(folder):
    out = {}
    noise_numbers(out)
    schedule_numbers(out)
    sampler_numbers(out)
    loop_numbers(out)
    out = {name: np.ascontiguousarray(value) for name, value in sorted(out.items())}
    # One key of metadata: the library writes several in any order.
    made = " ".join(f"{name} {importlib.metadata.version(name)}"
                    for name in ("torch", "diffusers", "k-diffusion", "numpy", "scipy"))
    path = Path(folder) / "sample.safetensors"
    save_file(out, str(path), metadata={"made_with": made})
    path.chmod(0o644)


if __name__ == "__main__":
    make(Path(__file__).parent)
