/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "job.h"

#include "models/inspection.h"
#include "models/model_store.h"

#include <stdlib.h>
#include <string.h>

struct _Job
{
  GThread       *thread;
  gint           cancel;       /* atomic */
  gint           enough;       /* atomic */

  /* Between tasks the main thread's, during a task the worker's. */
  EngineSession *session;      /* outlives the models */
  Engine        *engine;
  gchar         *engine_path;

  JobTask       *task;
  JobCallbacks   callbacks;     /* of a run */
  JobEstimated   estimated;     /* of an estimate */
  gpointer       user;

  GMutex         lock;          /* guards what follows */
  GQueue         reports;
  gboolean       scheduled;
  gboolean       opening;       /* the thread is opening the task's model */
  gboolean       abandoned;     /* job_free () was called meanwhile: the thread ends the job */
  gboolean       progressed;    /* `progress' has not been seen; its pixels are in `preview' */
  JobProgress    progress;
  guchar        *preview;
};

typedef enum
{
  REPORT_OPENED,
  REPORT_ESTIMATED,
  REPORT_CANDIDATE,
  REPORT_FINISHED
} ReportKind;

/* One message from the worker to the main thread. */
typedef struct
{
  ReportKind       kind;
  EngineModelInfo  model;
  Estimate         estimate;
  Candidate       *candidate;
  EngineError      error;
} Report;

/* What the worker carries through one task. */
typedef struct
{
  Job        *job;
  EditJob    *edit;
  EditResult *results;         /* [count]; empty once handed out */
  GBytes     *selection;       /* or NULL */
  gint64      began;           /* the candidate that is made now */

  GThread    *hasher;          /* or NULL */
  gint        hash_stop;       /* atomic */
  gint        hash_done;       /* atomic: sha256 is written */
  gchar       sha256[65];
} Work;

JobTask *
job_task_new (void)
{
  JobTask *task = g_new0 (JobTask, 1);

  task->request = engine_request_default (NULL);

  return task;
}

void
job_task_free (JobTask *task)
{
  if (! task)
    return;

  g_free (task->model_path);
  for (gint i = 0; i < EDIT_MAX_ISLANDS; i++)
    {
      g_free (task->rgba[i]);
      g_free (task->selection[i]);
    }
  g_free (task->prompt);
  g_free (task->negative_prompt);
  g_free (task);
}

void
candidate_free (Candidate *candidate)
{
  if (! candidate)
    return;

  edit_result_clear (&candidate->edit);
  g_free (candidate->prompt);
  g_free (candidate->negative_prompt);
  g_free (candidate->model_path);
  g_clear_pointer (&candidate->selection, g_bytes_unref);
  g_clear_pointer (&candidate->shown, g_bytes_unref);
  g_free (candidate);
}

static void
report_free (Report *report)
{
  candidate_free (report->candidate);
  g_free (report);
}

static void
deliver (Job    *job,
         Report *report)
{
  JobCallbacks callbacks = job->callbacks;

  switch (report->kind)
    {
    case REPORT_OPENED:
      if (callbacks.opened)
        callbacks.opened (&report->model, job->user);
      break;

    case REPORT_ESTIMATED:
      g_thread_join (g_steal_pointer (&job->thread));
      g_clear_pointer (&job->task, job_task_free);
      job->estimated (report->error.status == ENGINE_OK ? &report->estimate : NULL,
                      report->error.status == ENGINE_OK ? NULL : &report->error, job->user);
      break;

    case REPORT_CANDIDATE:
      callbacks.candidate (g_steal_pointer (&report->candidate), job->user);
      break;

    case REPORT_FINISHED:
      g_thread_join (g_steal_pointer (&job->thread));
      g_clear_pointer (&job->task, job_task_free);
      callbacks.finished (&report->error, job->user);
      break;
    }
}

static void
deliver_progress (Job *job)
{
  JobProgress  progress;
  guchar      *preview;

  g_mutex_lock (&job->lock);
  progress         = job->progress;
  preview          = g_steal_pointer (&job->preview);
  job->progressed  = FALSE;
  g_mutex_unlock (&job->lock);

  progress.preview = preview;
  if (job->callbacks.progress)
    job->callbacks.progress (&progress, job->user);
  g_free (preview);
}

static gboolean
deliver_reports (gpointer data)
{
  Job *job = data;

  for (;;)
    {
      Report   *report = NULL;
      gboolean  last, progressed;

      g_mutex_lock (&job->lock);
      progressed = job->progressed;
      if (! progressed)
        report = g_queue_pop_head (&job->reports);
      if (! progressed && ! report)
        job->scheduled = FALSE;
      g_mutex_unlock (&job->lock);

      if (progressed)
        {
          deliver_progress (job);
          continue;
        }
      if (! report)
        return G_SOURCE_REMOVE;

      last = report->kind == REPORT_FINISHED || report->kind == REPORT_ESTIMATED;
      if (last)
        {
          g_mutex_lock (&job->lock);
          job->scheduled = FALSE;
          g_mutex_unlock (&job->lock);
        }
      deliver (job, report);
      report_free (report);
      /* `finished' may have freed the job. */
      if (last)
        return G_SOURCE_REMOVE;
    }
}

/* With the lock held. */
static void
schedule (Job *job)
{
  if (! job->scheduled)
    g_idle_add_full (G_PRIORITY_DEFAULT, deliver_reports, job, NULL);
  job->scheduled = TRUE;
}

/* Takes the report over. */
static void
send (Work   *work,
      Report *report)
{
  Job *job = work->job;

  g_mutex_lock (&job->lock);
  g_queue_push_tail (&job->reports, report);
  schedule (job);
  g_mutex_unlock (&job->lock);
}

/* Progress that nobody has seen yet is overtaken, so that a slow main loop has no queue to
 * work off, and asking for it costs no memory; a preview stays until a newer one comes. */
static void
send_progress (Job               *job,
               const JobProgress *now,
               guchar            *preview)
{
  g_mutex_lock (&job->lock);
  if (preview)
    {
      g_free (job->preview);
      job->preview  = preview;
      job->progress = *now;
    }
  else
    {
      gint     width  = job->progress.preview_width;
      gint     height = job->progress.preview_height;
      EditRect rect   = job->progress.preview_rect;

      job->progress                = *now;
      job->progress.preview_width  = width;
      job->progress.preview_height = height;
      job->progress.preview_rect   = rect;
    }
  job->progressed = TRUE;
  schedule (job);
  g_mutex_unlock (&job->lock);
}

static guchar *
preview_bytes (const EnginePicture *picture)
{
  gsize   count = (gsize) picture->width * picture->height;
  guchar *bytes = g_new (guchar, count * 3);

  for (gsize i = 0; i < count; i++)
    for (gint c = 0; c < 3; c++)
      {
        gfloat value = picture->pixels[i * picture->channels + c];

        bytes[i * 3 + c] = (guchar) (CLAMP (value, 0.0f, 1.0f) * 255.0f + 0.5f);
      }

  return bytes;
}

static bool
progress_cb (void                 *user,
             const EngineProgress *now)
{
  Work        *work     = user;
  guchar      *preview  = NULL;
  JobProgress  progress = { 0 };

  progress.stage        = now->stage;
  progress.step         = now->step;
  progress.steps        = now->steps;
  progress.image        = now->image;
  progress.count        = now->count;
  progress.fraction     = now->fraction;
  progress.seconds_left = now->seconds_left;
  if (now->preview && now->preview->pixels && now->preview->channels >= 3)
    {
      preview                 = preview_bytes (now->preview);
      progress.preview_width  = now->preview->width;
      progress.preview_height = now->preview->height;
      progress.preview_rect   = edit_job_preview_rect (work->edit);
    }
  send_progress (work->job, &progress, preview);

  return ! g_atomic_int_get (&work->job->cancel);
}

static bool
enough_cb (void *user)
{
  Work *work = user;

  return g_atomic_int_get (&work->job->enough) != 0;
}

/* sums [height, width, 4]: colors by how much they cover. */
static void
add_part (gfloat         *sums,
          gint            width,
          gint            height,
          gint            factor,
          const EditPart *part,
          const EditRect *whole)
{
  for (gint y = 0; y < part->rect.height; y++)
    for (gint x = 0; x < part->rect.width; x++)
      {
        gsize         at    = (gsize) y * (gsize) part->rect.width + (gsize) x;
        gint          u     = (part->rect.x - whole->x + x) / factor;
        gint          v     = (part->rect.y - whole->y + y) / factor;
        const gfloat *in    = part->rgba + 4 * at;
        gfloat        cover = in[3] * part->mask[at];
        gfloat       *sum   = sums + ((gsize) v * (gsize) width + (gsize) u) * 4;

        if (u >= width || v >= height)
          continue;
        for (gint c = 0; c < 3; c++)
          sum[c] += in[c] * cover;
        sum[3] += cover;
      }
}

/* The result as it will be seen, smaller by a whole factor: here, for a large one takes longer than a
 * dialog may be silent. */
static void
make_shown (Candidate *candidate)
{
  const EditResult *edit   = &candidate->edit;
  gint              longer = MAX (edit->rect.width, edit->rect.height);
  gint              factor = MAX (1, (longer + CANDIDATE_SHOWN - 1) / CANDIDATE_SHOWN);
  gint              width  = MAX (1, edit->rect.width / factor);
  gint              height = MAX (1, edit->rect.height / factor);
  gsize             bytes  = (gsize) width * (gsize) height * 4;
  guchar           *out    = g_malloc0 (bytes);
  gfloat           *sums   = g_malloc0_n ((gsize) width * (gsize) height * 4, sizeof (gfloat));

  for (gint i = 0; i < edit->part_count; i++)
    add_part (sums, width, height, factor, &edit->parts[i], &edit->rect);
  for (gsize i = 0; i < (gsize) width * (gsize) height; i++)
    {
      gfloat *sum = sums + 4 * i;

      for (gint c = 0; c < 3; c++)
        sum[c] = sum[3] > 0 ? sum[c] / sum[3] : 0;
      sum[3] /= (gfloat) (factor * factor);
      for (gint c = 0; c < 4; c++)
        out[4 * i + (gsize) c] = (guchar) (CLAMP (sum[c], 0.0f, 1.0f) * 255.0f + 0.5f);
    }
  g_free (sums);
  candidate->shown        = g_bytes_new_take (out, bytes);
  candidate->shown_width  = width;
  candidate->shown_height = height;
}

/* Whether the job was given up meanwhile. */
static gboolean
set_opening (Job      *job,
             gboolean  opening)
{
  gboolean abandoned;

  g_mutex_lock (&job->lock);
  job->opening = opening;
  abandoned    = job->abandoned;
  g_mutex_unlock (&job->lock);

  return abandoned;
}

static gboolean
open_model (Job         *job,
            const gchar *path,
            EngineError *error)
{
  EngineOptions        options = engine_options_default ();
  EngineSessionOptions machine = engine_session_options_default ();

  if (job->engine && ! g_strcmp0 (path, job->engine_path))
    return TRUE;

  set_opening (job, TRUE);
  inspection_wait ();
  engine_close (job->engine);
  g_clear_pointer (&job->engine_path, g_free);
  job->engine = NULL;
  if (! job->session)
    job->session = engine_session_create (&machine, error);
  if (job->session)
    job->engine = engine_open (job->session, path, &options, error);
  if (set_opening (job, FALSE))
    return fail (error, ENGINE_CANCELLED, "stopped while the model was opened");
  if (! job->engine)
    return FALSE;

  job->engine_path = g_strdup (path);

  return TRUE;
}

/* A checkpoint of gigabytes takes seconds the first time, beside the run. */
static gpointer
hasher (gpointer data)
{
  Work *work = data;

  model_store_hash (work->job->task->model_path, work->sha256, &work->hash_stop);
  g_atomic_int_set (&work->hash_done, TRUE);

  return NULL;
}

/* Who has ended the run, or it early, does not wait for it. */
static void
take_hash (Work *work,
           gchar sha256[65])
{
  while (work->hasher && ! g_atomic_int_get (&work->hash_done) &&
         ! g_atomic_int_get (&work->job->cancel) && ! g_atomic_int_get (&work->job->enough))
    g_usleep (10000);
  if (g_atomic_int_get (&work->hash_done))
    g_strlcpy (sha256, work->sha256, 65);
}

/* One candidate is finished: it goes out at once. */
static bool
picture_cb (void                *user,
            int                  image,
            const EnginePicture *picture G_GNUC_UNUSED,
            EngineError         *error   G_GNUC_UNUSED)
{
  Work      *work      = user;
  Job       *job       = work->job;
  JobTask   *task      = job->task;
  Candidate *candidate = g_new0 (Candidate, 1);
  Report    *report    = g_new0 (Report, 1);
  gint64     now       = g_get_monotonic_time ();

  candidate->edit            = work->results[image];
  work->results[image]       = (EditResult) { 0 };
  candidate->settings        = task->settings;
  candidate->plan            = task->plan;
  candidate->prompt          = g_strdup (task->prompt);
  candidate->negative_prompt = g_strdup (task->negative_prompt);
  candidate->request         = task->request;
  candidate->request.seed            = candidate->edit.seed;
  candidate->request.count           = 1;
  candidate->request.prompt          = candidate->prompt;
  candidate->request.negative_prompt = candidate->negative_prompt;
  candidate->model_path      = g_strdup (task->model_path);
  candidate->model           = *engine_model (job->engine);
  candidate->selection       = work->selection ? g_bytes_ref (work->selection) : NULL;
  make_shown (candidate);
  candidate->seconds         = (now - work->began) / 1e6;
  work->began                = now;
  take_hash (work, candidate->sha256);

  report->kind      = REPORT_CANDIDATE;
  report->candidate = candidate;
  send (work, report);

  return true;
}

static gboolean
make_candidates (Work        *work,
                 EngineError *error)
{
  JobTask       *task    = work->job->task;
  EngineRequest  request = task->request;
  gboolean       ok;

  request.prompt          = task->prompt;
  request.negative_prompt = task->negative_prompt;
  request.progress        = progress_cb;
  request.enough          = enough_cb;
  request.picture         = picture_cb;
  request.want_preview    = task->want_preview;
  request.user            = work;

  work->results = g_new0 (EditResult, request.count);
  work->began   = g_get_monotonic_time ();
  ok = edit_generate (work->edit, work->job->engine, &request, work->results, error);
  g_free (work->results);

  return ok;
}

/* All crops' selections, one behind the other; NULL: there is none. */
static GBytes *
selection_bytes (const JobTask *task)
{
  GByteArray *all = g_byte_array_new ();

  for (gint i = 0; i < task->plan.crop_count && task->selection[i]; i++)
    {
      const EditRect *region = &task->plan.crops[i].region;

      g_byte_array_append (all, (const guint8 *) task->selection[i],
                           (guint) ((gsize) region->width * (gsize) region->height *
                                    sizeof (gfloat)));
    }
  if (all->len > 0)
    return g_byte_array_free_to_bytes (all);
  g_byte_array_free (all, TRUE);

  return NULL;
}

static gboolean
work_through (Work        *work,
              EngineError *error)
{
  EditPixels pixels[EDIT_MAX_ISLANDS];
  Job      *job  = work->job;
  JobTask  *task = job->task;
  Report   *report;
  gboolean  ok;

  if (! open_model (job, task->model_path, error))
    return FALSE;

  report        = g_new0 (Report, 1);
  report->kind  = REPORT_OPENED;
  report->model = *engine_model (job->engine);
  send (work, report);

  for (gint i = 0; i < task->plan.crop_count; i++)
    pixels[i] = (EditPixels) { task->rgba[i], task->selection[i] };
  work->edit = edit_prepare_crops (&task->settings, engine_model (job->engine), &task->plan,
                                   pixels, error);
  if (! work->edit)
    return FALSE;

  if (task->want_hash)
    work->hasher = g_thread_new ("hash", hasher, work);
  work->selection = selection_bytes (task);
  for (gint i = 0; i < EDIT_MAX_ISLANDS; i++)
    {
      g_clear_pointer (&task->rgba[i], g_free);
      g_clear_pointer (&task->selection[i], g_free);
    }

  ok = make_candidates (work, error);

  g_atomic_int_set (&work->hash_stop, TRUE);
  if (work->hasher)
    g_thread_join (work->hasher);
  g_clear_pointer (&work->selection, g_bytes_unref);
  edit_job_destroy (work->edit);

  return ok;
}

static void job_destroy (Job *job);

/* The last report of a thread, or the end of a job that was given up. */
static void
end_work (Work   *work,
          Report *report)
{
  Job *job = work->job;

  if (set_opening (job, FALSE))
    {
      report_free (report);
      g_thread_unref (job->thread);
      job_destroy (job);
    }
  else
    {
      send (work, report);
    }
  g_free (work);
}

static gpointer
worker (gpointer data)
{
  Work   *work   = data;
  Report *report = g_new0 (Report, 1);

  report->kind = REPORT_FINISHED;
  work_through (work, &report->error);
  end_work (work, report);

  return NULL;
}

static gpointer
estimator (gpointer data)
{
  Work    *work   = data;
  Job     *job    = work->job;
  JobTask *task   = job->task;
  Report  *report = g_new0 (Report, 1);

  report->kind = REPORT_ESTIMATED;
  if (open_model (job, task->model_path, &report->error))
    estimate_make (&report->estimate, job->engine, &task->settings, &task->plan,
                   &task->request, &report->error);
  end_work (work, report);

  return NULL;
}

Job *
job_new (void)
{
  Job *job = g_new0 (Job, 1);

  g_mutex_init (&job->lock);
  g_queue_init (&job->reports);

  return job;
}

static void
job_destroy (Job *job)
{
  g_queue_clear_full (&job->reports, (GDestroyNotify) report_free);
  job_task_free (job->task);
  engine_close (job->engine);
  engine_session_destroy (job->session);
  g_free (job->engine_path);
  g_free (job->preview);
  g_mutex_clear (&job->lock);
  g_free (job);
}

void
job_free (Job *job)
{
  gboolean opening;

  if (! job)
    return;

  job_cancel (job);
  g_mutex_lock (&job->lock);
  opening        = job->opening;
  job->abandoned = opening;
  if (opening && job->scheduled)
    g_idle_remove_by_data (job);
  g_mutex_unlock (&job->lock);
  if (opening)
    return;

  if (job->thread)
    g_thread_join (job->thread);
  if (job->scheduled)
    g_idle_remove_by_data (job);
  job_destroy (job);
}

static void
start_thread (Job         *job,
              JobTask     *task,
              const gchar *name,
              GThreadFunc  function,
              gpointer     user)
{
  Work *work = g_new0 (Work, 1);

  g_atomic_int_set (&job->cancel, FALSE);
  g_atomic_int_set (&job->enough, FALSE);
  job->task       = task;
  job->user       = user;
  job->progressed = FALSE;
  job->progress   = (JobProgress) { 0 };
  g_clear_pointer (&job->preview, g_free);

  work->job = job;
  /* Before the thread runs: what is told of `opening' begins with the thread. */
  g_mutex_lock (&job->lock);
  job->opening = ! job->engine || g_strcmp0 (task->model_path, job->engine_path);
  job->thread  = g_thread_new (name, function, work);
  g_mutex_unlock (&job->lock);
}

void
job_start (Job                *job,
           JobTask            *task,
           const JobCallbacks *callbacks,
           gpointer            user)
{
  g_return_if_fail (! job->thread);
  g_return_if_fail (task->request.count >= 1);

  job->callbacks = *callbacks;
  start_thread (job, task, "diffusion", worker, user);
}

void
job_estimate (Job          *job,
              JobTask      *task,
              JobEstimated  done,
              gpointer      user)
{
  g_return_if_fail (! job->thread);

  job->estimated = done;
  start_thread (job, task, "estimate", estimator, user);
}

gboolean
job_is_opening (Job          *job,
                const gchar **path)
{
  gboolean opening;

  g_mutex_lock (&job->lock);
  opening = job->thread && job->opening;
  g_mutex_unlock (&job->lock);
  if (path)
    *path = opening ? job->task->model_path : NULL;

  return opening;
}

void
job_cancel (Job *job)
{
  g_atomic_int_set (&job->cancel, TRUE);
}

void
job_keep (Job *job)
{
  g_atomic_int_set (&job->enough, TRUE);
}

gboolean
job_is_running (Job *job)
{
  return job->thread != NULL;
}
