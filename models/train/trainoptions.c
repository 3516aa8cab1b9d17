/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-train, and what it means for a model.
 */
#include "trainoptions.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support/commandline.h"
#include "support/modelparams.h"
#ifdef HAVE_ANNOTATE
#  include "support/plot.h"
#endif

/* --- Parsing ---------------------------------------------------------------------------------- */

TrainOptions
train_options_new (void)
{
  return (TrainOptions){
    .augment = augment_options_default (),
    .iterations = -1,
    .batch = -1,
    .rate = -1,
    .rho = -1,
    .epsilon = -1,
    .gamma = 0.1,
    .warmup = -1,
    .warmup_factor = 0.001,
    .momentum = 0.9,
    .weight_decay = 1e-4,
    .clip = 10,
    .ema = 0.998,
    .freeze = -1,
    .patience = 10,
    .rpn_batch = 256,
    .rpn_fraction = 0.5,
    .roi_batch = 128,
    .roi_fraction = 0.25,
    .keypoint_weight = 1,
    .params = param_options_new (),
    .checkpoint_period = 200,
  };
}

static void
add_begin_options (TrainOptions *o, GOptionContext *context)
{
  const GOptionEntry entries[] = {
    { "model", 'm', 0, G_OPTION_ARG_FILENAME, &o->model,
        "Begin with this model's weights, wherever names and shapes fit", "FILE" },
    { "keep", 0, 0, G_OPTION_ARG_NONE, &o->keep,
        "Go on finding what this model finds: its classes stay, beside those of the data set",
        NULL },
    { "config", 'c', 0, G_OPTION_ARG_FILENAME, &o->config,
        "Architecture: a config of D2Go's zoo by name, or a .yaml dump [the model's]",
        "NAME|FILE" },
    { "description", 0, 0, G_OPTION_ARG_FILENAME, &o->description,
        "Architecture: a description in JSON (models/FORMAT.md)", "FILE" },
    { "norm", 0, 0, G_OPTION_ARG_STRING, &o->norm,
        "Normalization: gn:GROUPS, bn, sync_bn, naiveSyncBN or naiveSyncBN:N [the architecture's]",
        "NAME" },
    { "norm-statistics", 0, 0, G_OPTION_ARG_STRING, &o->statistics,
        "Mean and variance of batch norms: batch, or stored ones that stay [batch, unless the "
        "model's "
        "norms have been folded]",
        "batch|stored" },
    { "freeze", 0, 0, G_OPTION_ARG_INT, &o->freeze,
        "Leave the first N stages of the trunk as they are [all with --keep, 2 with --model, else "
        "0]",
        "N" },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
}

static void
add_data_options (TrainOptions *o, GOptionContext *context)
{
  const GOptionEntry entries[] = {
    { "annotations", 'a', 0, G_OPTION_ARG_FILENAME_ARRAY, &o->annotations,
        "Annotations in COCO's format; may be given several times", "FILE" },
    { "images", 'i', 0, G_OPTION_ARG_FILENAME_ARRAY, &o->images,
        "Folder of the pictures, one for each --annotations; alone, for a classifier: a folder "
        "with a "
        "folder of pictures for each class",
        "DIR" },
    { "keep-empty", 0, 0, G_OPTION_ARG_NONE, &o->keep_empty,
        "Learn from pictures without objects, too", NULL },
    { "sizes", 0, 0, G_OPTION_ARG_STRING, &o->sizes,
        "Shorter sides to choose from, or with - all between [the model's]", "N,N…|N-N" },
    { "flip", 0, 0, G_OPTION_ARG_DOUBLE, &o->augment.flip,
        "Probability of left and right exchanged [0.5]", "P" },
    { "zoom-in", 0, 0, G_OPTION_ARG_DOUBLE, &o->augment.zoom_in,
        "Show a part of the picture, at least 1 - S of it [0]", "S" },
    { "zoom-out", 0, 0, G_OPTION_ARG_DOUBLE, &o->augment.zoom_out,
        "Show more than the picture, at most 1 + S times [0]", "S" },
    { "brightness", 0, 0, G_OPTION_ARG_DOUBLE, &o->augment.brightness, "Change it by up to S [0]",
        "S" },
    { "contrast", 0, 0, G_OPTION_ARG_DOUBLE, &o->augment.contrast, "Change it by up to S [0]",
        "S" },
    { "saturation", 0, 0, G_OPTION_ARG_DOUBLE, &o->augment.saturation, "Change it by up to S [0]",
        "S" },
    { "flip-vertical", 0, 0, G_OPTION_ARG_DOUBLE, &o->augment.flip_vertical,
        "Probability of top and bottom exchanged [0]", "P" },
    { "hue", 0, 0, G_OPTION_ARG_DOUBLE, &o->augment.hue,
        "Turn colours by up to S of half a circle [0]", "S" },
    { "grey", 0, 0, G_OPTION_ARG_DOUBLE, &o->augment.grey, "Probability of no colours [0]", "P" },
    { "blur", 0, 0, G_OPTION_ARG_DOUBLE, &o->augment.blur,
        "Soften by up to S pixels (standard deviation) [0]", "S" },
    { "noise", 0, 0, G_OPTION_ARG_DOUBLE, &o->augment.noise,
        "Add noise of up to S of 255 (standard deviation) [0]", "S" },
    { "cutout", 0, 0, G_OPTION_ARG_DOUBLE, &o->augment.cutout,
        "Probability that a rectangle is covered [0]", "P" },
    { "mosaic", 0, 0, G_OPTION_ARG_DOUBLE, &o->augment.mosaic,
        "Probability that four pictures are one sample [0]", "P" },
    { "repeat-threshold", 0, 0, G_OPTION_ARG_DOUBLE, &o->repeat_threshold,
        "Show pictures of classes that less than this share of the pictures has more often [0]",
        "T" },
    { "show-samples", 0, 0, G_OPTION_ARG_FILENAME, &o->show,
        "Write a picture of the first samples, as the network sees them, and end", "FILE.png" },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
}

static void
add_run_options (TrainOptions *o, GOptionContext *context)
{
  const GOptionEntry entries[] = {
    { "iterations", 'n', 0, G_OPTION_ARG_INT, &o->iterations,
        "Steps [with --model 10 epochs, from 200 to 2000 steps, else 1000]", "N" },
    { "epochs", 'e', 0, G_OPTION_ARG_DOUBLE, &o->epochs, "Instead: how often each picture is seen",
        "E" },
    { "batch", 'b', 0, G_OPTION_ARG_INT, &o->batch,
        "Pictures per step, of all workers [8, of classifiers 32]", "N" },
    { "threads", 't', 0, G_OPTION_ARG_INT, &o->threads,
        "Workers of this process [as many as processors, if they share the batch evenly, else "
        "fewer]; each is a worker of the norms, too",
        "N" },
    { "rate", 'r', 0, G_OPTION_ARG_DOUBLE, &o->rate,
        "Learning rate [0.02 of sgd, 0.0005 of adam, adamw and rmsprop, 0.01 of adagrad, 1 of "
        "adadelta; with --model half of it, with --keep a quarter]",
        "R" },
    { "end-rate", 0, 0, G_OPTION_ARG_DOUBLE, &o->end_rate, "What it falls to, along a cosine [0]",
        "R" },
    { "warmup", 0, 0, G_OPTION_ARG_INT, &o->warmup,
        "Steps over which it rises at first [a twentieth, at most 1000]", "N" },
    { "warmup-factor", 0, 0, G_OPTION_ARG_DOUBLE, &o->warmup_factor, "From this part of it [0.001]",
        "F" },
    { "momentum", 0, 0, G_OPTION_ARG_DOUBLE, &o->momentum, "[0.9]", "M" },
    { "weight-decay", 0, 0, G_OPTION_ARG_DOUBLE, &o->weight_decay, "[0.0001]", "D" },
    { "norm-weight-decay", 0, 0, G_OPTION_ARG_DOUBLE, &o->norm_weight_decay,
        "That of norms' parameters [0]", "D" },
    { "clip", 0, 0, G_OPTION_ARG_DOUBLE, &o->clip, "Bound of the gradient's norm; 0: none [10]",
        "NORM" },
    { "ema", 0, 0, G_OPTION_ARG_DOUBLE, &o->ema,
        "Decay of the moving average that becomes the model; 0: its last weights [0.998]", "D" },
    { "seed", 's', 0, G_OPTION_ARG_INT64, &o->seed, "Of all that is random [0]", "N" },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
}

static void
add_solver_options (TrainOptions *o, GOptionContext *context)
{
  const GOptionEntry entries[] = {
    { "solver", 0, 0, G_OPTION_ARG_STRING, &o->solver,
        "sgd, adam, adamw, rmsprop, adagrad or adadelta [sgd]", "NAME" },
    { "nesterov", 0, 0, G_OPTION_ARG_NONE, &o->nesterov, "Nesterov's momentum, of sgd", NULL },
    { "betas", 0, 0, G_OPTION_ARG_STRING, &o->betas, "Of adam and adamw [0.9,0.999]", "B,B" },
    { "rho", 0, 0, G_OPTION_ARG_DOUBLE, &o->rho,
        "Decay of squares: rmsprop's alpha [0.99], adadelta's rho [0.9]", "R" },
    { "epsilon", 0, 0, G_OPTION_ARG_DOUBLE, &o->epsilon,
        "What keeps divisors from 0 [1e-8; adagrad 1e-10, adadelta 1e-6]", "E" },
    { "schedule", 0, 0, G_OPTION_ARG_STRING, &o->schedule,
        "How the rate falls: cosine, multistep, step, exponential, constant, plateau [cosine]",
        "NAME" },
    { "gamma", 0, 0, G_OPTION_ARG_DOUBLE, &o->gamma,
        "What it falls to: at each step of multistep, step and plateau; at the end of exponential "
        "[0.1]",
        "G" },
    { "milestones", 0, 0, G_OPTION_ARG_STRING, &o->milestones,
        "Of multistep: after these shares of all steps [0.67,0.89]", "S,S…" },
    { "decay-period", 0, 0, G_OPTION_ARG_INT, &o->decay_period,
        "Of step: after every N steps [a third]; of plateau: after N evaluations without a better "
        "one [3]",
        "N" },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
}

static void
add_validation_options (TrainOptions *o, GOptionContext *context)
{
  const GOptionEntry entries[] = {
    { "val-annotations", 0, 0, G_OPTION_ARG_FILENAME, &o->val_annotations,
        "Evaluate on these pictures now and then, and write the best model", "FILE" },
    { "val-images", 0, 0, G_OPTION_ARG_FILENAME, &o->val_images,
        "Their folder; for a classifier one with a folder for each class", "DIR" },
    { "val-split", 0, 0, G_OPTION_ARG_DOUBLE, &o->val_split,
        "Instead: keep this share of the pictures apart, always the same ones [0]", "P" },
    { "val-period", 0, 0, G_OPTION_ARG_INT, &o->val_period,
        "Steps from one evaluation to the next [an epoch, at least 25]", "N" },
    { "patience", 0, 0, G_OPTION_ARG_INT, &o->patience,
        "End after so many evaluations without a better one; 0: never [10]", "N" },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
}

static void
add_detector_options (TrainOptions *o, GOptionContext *context)
{
  const GOptionEntry entries[] = {
    { "rpn-iou", 0, 0, G_OPTION_ARG_STRING, &o->rpn_bounds,
        "Anchors that overlap an object at least UPPER are objects, less than LOWER background, "
        "between ignored [the model's: 0.3,0.7]",
        "LOWER,UPPER" },
    { "roi-iou", 0, 0, G_OPTION_ARG_STRING, &o->roi_bounds,
        "The same for proposals [the model's: 0.5,0.5]", "LOWER,UPPER" },
    { "rpn-batch", 0, 0, G_OPTION_ARG_INT, &o->rpn_batch, "Anchors sampled per picture [256]",
        "N" },
    { "rpn-fraction", 0, 0, G_OPTION_ARG_DOUBLE, &o->rpn_fraction,
        "Objects among them, at most [0.5]", "P" },
    { "roi-batch", 0, 0, G_OPTION_ARG_INT, &o->roi_batch,
        "Proposals sampled per picture; fewer are faster [128]", "N" },
    { "roi-fraction", 0, 0, G_OPTION_ARG_DOUBLE, &o->roi_fraction,
        "Objects among them, at most [0.25]", "P" },
    { "rpn-beta", 0, 0, G_OPTION_ARG_DOUBLE, &o->rpn_beta,
        "Where smooth L1 of the RPN's deltas turns straight [0: L1]", "B" },
    { "box-beta", 0, 0, G_OPTION_ARG_DOUBLE, &o->box_beta, "The same of the box head's [0: L1]",
        "B" },
    { "test-pre-nms-count", 0, 0, G_OPTION_ARG_INT, &o->test_pre_nms,
        "Proposals before suppression when the model is used [the model's]", "N" },
    { "test-post-nms-count", 0, 0, G_OPTION_ARG_INT, &o->test_post_nms,
        "Proposals after it when the model is used [the model's]", "N" },
    { "no-masks", 0, 0, G_OPTION_ARG_NONE, &o->no_masks, "Leave the mask head as it is", NULL },
    { "no-keypoints", 0, 0, G_OPTION_ARG_NONE, &o->no_keypoints, "Leave the keypoint head as it is",
        NULL },
    { "keypoint-weight", 0, 0, G_OPTION_ARG_DOUBLE, &o->keypoint_weight,
        "Weight of the keypoints' loss in the sum [1]", "W" },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
  param_options_say_default (o->params, "pre-nms-count", "1000 in training");
  param_options_say_default (o->params, "post-nms-count", "300 in training");
  param_options_say_default (o->params, "min-size", "of --sizes, else the model's");
  param_options_say_default (o->params, "max-size",
      "the model's, in proportion to the shorter side");
  param_options_add (o->params, context, model_params);
}

static void
add_classifier_options (TrainOptions *o, GOptionContext *context)
{
  const GOptionEntry entries[] = {
    { "label-smoothing", 0, 0, G_OPTION_ARG_DOUBLE, &o->label_smoothing,
        "Share of the probability that a classifier is to give to all classes evenly [0]", "S" },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
}

static void
add_output_options (TrainOptions *o, GOptionContext *context)
{
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &o->output, "The model", "FILE" },
    { "half", 0, 0, G_OPTION_ARG_NONE, &o->half, "Write it in half precision: half the size",
        NULL },
    { "checkpoint", 0, 0, G_OPTION_ARG_FILENAME, &o->checkpoint,
        "Where the run's state is kept [OUTPUT.checkpoint]", "FILE" },
    { "checkpoint-period", 0, 0, G_OPTION_ARG_INT, &o->checkpoint_period,
        "Steps from one checkpoint to the next [200]", "N" },
    { "resume", 0, 0, G_OPTION_ARG_NONE, &o->resume,
        "Go on from the checkpoint, if there is one: the result is that of an unbroken run; with "
        "more steps, of a longer one",
        NULL },
    { "log", 0, 0, G_OPTION_ARG_FILENAME, &o->log, "Write each step's losses, a line of JSON each",
        "FILE" },
    { "curve", 0, 0, G_OPTION_ARG_FILENAME, &o->curve, "Draw the losses at the end",
        "FILE.svg|.png|.pdf" },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
}

/* Before a run, not after it. */
static gboolean
check_pictures (const TrainOptions *o, GError **error)
{
#ifdef HAVE_ANNOTATE
  if (!plot_check_format ("--curve", o->curve, error))
    return FALSE;
  if (o->show != NULL && !g_str_has_suffix (o->show, ".png"))
    return usage_error (error, "--show-samples: expected a file name that ends in .png");
#else
  if (o->curve != NULL || o->show != NULL)
    return usage_error (error,
        "--curve and --show-samples: expected a program built with cairo and Pango, which this one "
        "is not");
#endif
  return TRUE;
}

/* 0: none was given. */
static gboolean
is_proposal_count (gint n)
{
  return n == 0 || fbnet_param_check (fbnet_params_find ("post-nms-count"), n, NULL);
}

static gboolean
check_validation (const TrainOptions *o, GError **error)
{
  const gboolean file = o->val_annotations != NULL, folder = o->val_images != NULL;
  const gboolean by_class = train_options_by_class (o);

  if (!by_class && file != folder)
    return usage_error (error, "expected --val-annotations and --val-images, found one of them");
  if (by_class && file)
    return usage_error (error,
        "--val-annotations: expected --annotations, too; a classifier's pictures are in "
        "--val-images "
        "alone");
  if (!(o->val_split >= 0 && o->val_split < 1))
    return usage_error (error, "expected a --val-split from 0 to below 1");
  if (by_class && o->val_split > 0 && folder)
    return usage_error (error, "expected one of --val-split and --val-images, found both");
  if (o->val_split > 0 && (file || (!by_class && g_strv_length (o->annotations) > 1)))
    return usage_error (error,
        "--val-split: expected one --annotations and no --val-annotations beside it; fbnet-dataset "
        "merges sets and splits them");
  if (o->val_period < 0 || o->patience < 0)
    return usage_error (error, "expected --val-period and --patience of 0 or more");
  return TRUE;
}

static gboolean
check_length (const TrainOptions *o, GError **error)
{
  if (o->iterations == 0 || o->iterations < -1 || o->batch < 1 || o->threads < 0
      || o->checkpoint_period < 1)
    return usage_error (error,
        "expected --iterations, --batch and --checkpoint-period of at least 1, --threads of 0 or "
        "more");
  if (!(o->epochs >= 0 && o->epochs <= 1e6))
    return usage_error (error, "expected --epochs from 0 to 1000000");
  if (o->epochs > 0 && o->iterations > 0)
    return usage_error (error, "expected one of --iterations and --epochs, found both");
  return TRUE;
}

gboolean
train_options_by_class (const TrainOptions *o)
{
  return o->annotations == NULL;
}

static gboolean
check_inputs (const TrainOptions *o, GError **error)
{
  const guint n_images = o->images != NULL ? g_strv_length (o->images) : 0;

  if (train_options_by_class (o) ? n_images == 1 : g_strv_length (o->annotations) == n_images)
    return TRUE;
  return usage_error (error,
      "expected --annotations FILE and --images DIR, as many of one as of the other; or for a "
      "classifier one --images DIR alone");
}

static gboolean
check_values (const TrainOptions *o, GError **error)
{
  if (!check_pictures (o, error))
    return FALSE;
  if (!check_inputs (o, error))
    return FALSE;
  if (o->output == NULL && o->show == NULL)
    return usage_error (error, "expected --output FILE");
  if (o->model == NULL && o->config == NULL && o->description == NULL)
    return usage_error (error, "expected --model FILE, --config NAME or --description FILE");
  if (o->config != NULL && o->description != NULL)
    return usage_error (error, "expected one of --config and --description, found both");
  if (o->keep && (o->model == NULL || o->config != NULL || o->description != NULL))
    return usage_error (error,
        "--keep: expected --model, and neither --config nor --description beside it");
  if (!check_length (o, error) || !check_validation (o, error))
    return FALSE;
  if (!(o->repeat_threshold >= 0 && o->repeat_threshold <= 1))
    return usage_error (error, "expected a --repeat-threshold from 0 to 1");
  if (!(o->rate > 0 && o->end_rate >= 0 && o->end_rate <= o->rate))
    return usage_error (error, "expected a --rate above 0 and an --end-rate from 0 to it");
  if (!(o->momentum >= 0 && o->momentum < 1) || !(o->ema >= 0 && o->ema < 1))
    return usage_error (error, "expected --momentum and --ema from 0 to below 1");
  if (!(o->weight_decay >= 0 && o->norm_weight_decay >= 0 && o->clip >= 0))
    return usage_error (error,
        "expected --weight-decay, --norm-weight-decay and --clip of 0 or more");
  if (!is_proposal_count (o->test_pre_nms) || !is_proposal_count (o->test_post_nms))
    return usage_error (error,
        "expected --test-pre-nms-count and --test-post-nms-count from 1 to 100000");
  if (o->rpn_batch < 1 || o->roi_batch < 1)
    return usage_error (error, "expected --rpn-batch and --roi-batch of at least 1");
  if (!(o->rpn_fraction >= 0 && o->rpn_fraction <= 1 && o->roi_fraction >= 0
          && o->roi_fraction <= 1))
    return usage_error (error, "expected --rpn-fraction and --roi-fraction from 0 to 1");
  if (!(o->keypoint_weight >= 0 && o->keypoint_weight <= 1e6))
    return usage_error (error, "expected a --keypoint-weight from 0 to 1000000");
  if (!(o->label_smoothing >= 0 && o->label_smoothing < 1))
    return usage_error (error, "expected a --label-smoothing from 0 to below 1");
  if (!(o->rpn_beta >= 0 && o->box_beta >= 0 && o->warmup_factor >= 0 && o->warmup_factor <= 1))
    return usage_error (error,
        "expected --rpn-beta and --box-beta of 0 or more, --warmup-factor from 0 to 1");
  return param_options_check (o->params, error);
}

void
train_options_add (gpointer options, GOptionContext *context)
{
  TrainOptions *o = options;

  add_begin_options (o, context);
  add_data_options (o, context);
  add_run_options (o, context);
  add_solver_options (o, context);
  add_validation_options (o, context);
  add_detector_options (o, context);
  add_classifier_options (o, context);
  add_output_options (o, context);
}

static gboolean
choose_solver (TrainOptions *o, GError **error)
{
  const char *solver = o->solver != NULL ? o->solver : "sgd";
  const char *schedule = o->schedule != NULL ? o->schedule : "cosine";

  o->solver_kind = solver_find (solver);
  if (o->solver_kind == N_SOLVERS)
    return usage_error (error,
        "--solver: expected sgd, adam, adamw, rmsprop, adagrad or adadelta, found %s", solver);
  o->plateau = g_str_equal (schedule, "plateau");
  o->fall = o->plateau ? FALL_NONE : fall_find (schedule);
  if (o->fall == N_FALLS)
    return usage_error (error,
        "--schedule: expected cosine, multistep, step, exponential, constant or plateau, found %s",
        schedule);
  if (o->nesterov && (o->solver_kind != SOLVER_SGD || !(o->momentum > 0)))
    return usage_error (error, "--nesterov: expected --solver sgd and a --momentum above 0");
  if (!(o->gamma > 0 && o->gamma <= 1) || o->decay_period < 0)
    return usage_error (error,
        "expected a --gamma above 0, at most 1, and a --decay-period of 0 or "
        "more");
  if (o->plateau && !train_options_validates (o))
    return usage_error (error,
        "--schedule plateau: expected --val-annotations, --val-images or --val-split, too");
  return TRUE;
}

/* More than any trunk has. */
#define ALL_STAGES 64

/* A model that knows something already is to be changed with care, and its first stages, edges and colours, serve any
 * picture (detectron2's FREEZE_AT is 2). What shall be kept is kept by a trunk that stays as it is. */
static void
choose_defaults (TrainOptions *o)
{
  const gboolean tuning = o->model != NULL;

  if (o->batch == -1)
    o->batch = train_options_by_class (o) ? 32 : 8;
  if (o->rate == -1)
    o->rate = solver_usual_rate (o->solver_kind) * (o->keep ? 0.25 : tuning ? 0.5 : 1);
  if (o->freeze == -1)
    o->freeze = o->keep ? ALL_STAGES : tuning ? 2 : 0;
}

gboolean
train_options_check (gpointer options, GError **error)
{
  TrainOptions *o = options;

  if (!choose_solver (o, error))
    return FALSE;
  choose_defaults (o);
  if (!check_values (o, error))
    return FALSE;
  if (o->checkpoint == NULL)
    o->checkpoint = g_strconcat (o->output != NULL ? o->output : o->show, ".checkpoint", NULL);
  return TRUE;
}

void
train_options_clear (TrainOptions *o)
{
  char *const texts[] = { o->model, o->config, o->description, o->norm, o->statistics, o->sizes,
    o->rpn_bounds, o->roi_bounds, o->val_annotations, o->val_images, o->solver, o->betas,
    o->schedule, o->milestones, o->output, o->checkpoint, o->log, o->curve, o->show };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_free (texts[i]);
  g_strfreev (o->annotations);
  g_strfreev (o->images);
  param_options_free (o->params);
}

/* --- Detector or classifier -------------------------------------------------------------------- */

static gboolean
is_classifier (const cJSON *description)
{
  const cJSON *task = cJSON_GetObjectItemCaseSensitive (description, "task");

  return g_strcmp0 (cJSON_GetStringValue (task), "classification") == 0;
}

/* What a detector alone understands. */
static const char *
find_detector_option (const TrainOptions *o)
{
  const struct {
    gboolean given;
    const char *name;
  } options[] = {
    { o->keep, "--keep" },
    { o->keep_empty, "--keep-empty" },
    { o->augment.mosaic > 0, "--mosaic" },
    { o->sizes != NULL, "--sizes" },
    { o->no_masks, "--no-masks" },
    { o->no_keypoints, "--no-keypoints" },
    { o->rpn_bounds != NULL, "--rpn-iou" },
    { o->roi_bounds != NULL, "--roi-iou" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (options); i++) {
    if (options[i].given)
      return options[i].name;
  }
  return NULL;
}

/* The same of those that the engine has. */
static const char *
find_detector_param (const TrainOptions *o)
{
  for (guint i = 0; model_params[i] != NULL; i++) {
    if (param_options_has (o->params, model_params[i]))
      return model_params[i];
  }
  return NULL;
}

static gboolean
check_classifier (const TrainOptions *o, GError **error)
{
  const char *option = find_detector_option (o), *param = find_detector_param (o);

  if (!train_options_by_class (o))
    return usage_error (error,
        "--annotations: expected a detector, found a classifier, which learns from --images DIR "
        "alone: a folder with a folder of pictures for each class");
  if (option != NULL)
    return usage_error (error, "%s: expected a detector, found a classifier", option);
  if (param != NULL)
    return usage_error (error, "--%s: expected a detector, found a classifier", param);
  return TRUE;
}

gboolean
train_options_check_task (const TrainOptions *o, const cJSON *description, GError **error)
{
  if (is_classifier (description))
    return check_classifier (o, error);
  if (train_options_by_class (o))
    return usage_error (error,
        "--images: expected a classifier, or --annotations FILE beside it, found a detector, which "
        "learns from boxes");
  if (o->label_smoothing > 0)
    return usage_error (error, "--label-smoothing: expected a classifier, found a detector");
  return TRUE;
}

/* --- What the model is written as ------------------------------------------------------------- */

/* "192,224,256" or "192-256". */
static gboolean
read_sizes (const char *text, AugmentOptions *augment, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text, strchr (text, '-') != NULL ? "-" : ",", -1);
  const guint n = g_strv_length (parts);

  augment->size_range = strchr (text, '-') != NULL;
  augment->n_min_sizes = MIN (n, AUGMENT_MAX_SIZES);
  for (guint i = 0; i < augment->n_min_sizes; i++) {
    guint64 size;
    if (n > AUGMENT_MAX_SIZES || (augment->size_range && n != 2)
        || !g_ascii_string_to_unsigned (parts[i], 10, 1, 8192, &size, NULL))
      return usage_error (error,
          "--sizes: expected numbers from 1 to 8192, N,N… or N-N, found \"%s\"", text);
    augment->min_sizes[i] = (guint) size;
  }
  return TRUE;
}

/* The shorter side that the model is to be used with: its own where that is among those of training, else
 * the largest of these. */
static double
choose_min_size (const AugmentOptions *augment, double own)
{
  const guint *sizes = augment->min_sizes, n = augment->n_min_sizes;
  guint largest = 0;

  if (augment->size_range && own >= sizes[0] && own <= sizes[1])
    return own;
  for (guint i = 0; i < n; i++) {
    if (sizes[i] == own)
      return own;
    largest = MAX (largest, sizes[i]);
  }
  return largest;
}

/* Where the shorter side becomes another, the longer one may grow along. */
static gboolean
describe_sizes (const TrainOptions *o, cJSON *description, GError **error)
{
  const double own_min = model_param_get (description, "min-size");
  const double own_max = model_param_get (description, "max-size");
  AugmentOptions augment = { 0 };
  double min = own_min;

  if (o->sizes != NULL && !read_sizes (o->sizes, &augment, error))
    return FALSE;
  if (o->sizes != NULL)
    min = choose_min_size (&augment, own_min);
  min = param_options_number (o->params, "min-size", min);
  const double max = MIN (round (own_max * min / own_min), fbnet_params_find ("max-size")->max);
  model_param_set (description, "min-size", min);
  model_param_set (description, "max-size", param_options_number (o->params, "max-size", max));
  return TRUE;
}

/* --pre-nms-count and --post-nms-count are of training alone, as in detectron2. */
gboolean
train_options_describe (const TrainOptions *o, cJSON *description, GError **error)
{
  const double pre = model_param_get (description, "pre-nms-count");
  const double post = model_param_get (description, "post-nms-count");

  if (is_classifier (description))
    return TRUE;
  if (!model_params_apply (o->params, description, error)
      || !describe_sizes (o, description, error))
    return FALSE;
  model_param_set (description, "pre-nms-count", o->test_pre_nms > 0 ? o->test_pre_nms : pre);
  model_param_set (description, "post-nms-count", o->test_post_nms > 0 ? o->test_post_nms : post);
  return TRUE;
}

/* --- Meaning ---------------------------------------------------------------------------------- */

static gboolean
read_bounds (const char *text, const char *option, float *lower, float *upper, GError **error)
{
  float low, high;
  char rest;

  if (text == NULL)
    return TRUE;
  if (sscanf (text, "%f,%f%c", &low, &high, &rest) != 2 || !(low >= 0 && low <= high && high <= 1))
    return usage_error (error,
        "%s: expected LOWER,UPPER with 0 <= LOWER <= UPPER <= 1, found \"%s\"", option, text);
  *lower = low;
  *upper = high;
  return TRUE;
}

/* By the name that the description has for its norm. */
static gboolean
read_statistics (const TrainOptions *o, const FbnetModel *model, Statistics *statistics,
    GError **error)
{
  static const struct {
    const char *norm;
    Statistics statistics;
  } kinds[] = {
    { "bn", STATISTICS_OWN },
    { "sync_bn", STATISTICS_SYNC },
    { "naiveSyncBN", STATISTICS_NAIVE },
  };
  const cJSON *object = cJSON_GetObjectItemCaseSensitive (model->description->architecture, "norm");
  const char *norm = cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (object, "name"));

  *statistics = STATISTICS_STORED;
  if (o->statistics != NULL && g_str_equal (o->statistics, "stored"))
    return TRUE;
  if (o->statistics != NULL && !g_str_equal (o->statistics, "batch"))
    return usage_error (error, "expected --norm-statistics batch or stored");
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    if (g_strcmp0 (norm, kinds[i].norm) == 0)
      *statistics = kinds[i].statistics;
  }
  if (*statistics == STATISTICS_NAIVE && o->norm != NULL && g_str_has_suffix (o->norm, ":N"))
    *statistics = STATISTICS_NAIVE_N;
  return TRUE;
}

static guint
count (const TrainOptions *o, const char *name, guint otherwise)
{
  return (guint) param_options_number (o->params, name, otherwise);
}

static gboolean
read_rcnn (const TrainOptions *o, const FbnetModel *model, RcnnSettings *rcnn, GError **error)
{
  *rcnn = rcnn_settings_of (model);
  rcnn->rpn.batch = (guint) o->rpn_batch;
  rcnn->rpn.fraction = o->rpn_fraction;
  rcnn->rpn_beta = o->rpn_beta;
  rcnn->heads.batch = (guint) o->roi_batch;
  rcnn->heads.fraction = o->roi_fraction;
  rcnn->box_beta = o->box_beta;
  rcnn->pre_nms_count = count (o, "pre-nms-count", 1000);
  rcnn->post_nms_count = count (o, "post-nms-count", 300);
  rcnn->masks = rcnn->masks && !o->no_masks;
  rcnn->keypoints = rcnn->keypoints && !o->no_keypoints;
  rcnn->keypoint_weight = o->keypoint_weight;
  rcnn->box_resolution = count (o, "box-pooler-resolution", rcnn->box_resolution);
  rcnn->mask_resolution = count (o, "mask-pooler-resolution", rcnn->mask_resolution);
  return read_bounds (o->rpn_bounds, "--rpn-iou", &rcnn->rpn.lower, &rcnn->rpn.upper, error)
      && read_bounds (o->roi_bounds, "--roi-iou", &rcnn->heads.lower, &rcnn->heads.upper, error);
}

/* What the model is written as, where that was asked for. */
static char *
describe_given (const TrainOptions *o)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; model_params[i] != NULL; i++) {
    if (param_options_has (o->params, model_params[i]))
      g_string_append_printf (text, " %s %g", model_params[i],
          param_options_number (o->params, model_params[i], 0));
  }
  return g_strdup_printf ("%s test %d %d", text->str, o->test_pre_nms, o->test_post_nms);
}

static char *
describe_solver (const TrainOptions *o, const SolverSettings *s)
{
  return g_strdup_printf ("solver=%s,%d,%g,%g,%g,%g\nschedule=%s,%g,%d,%s\n",
      solver_name (o->solver_kind), o->nesterov, s->beta1, s->beta2, s->rho, s->epsilon,
      o->schedule != NULL ? o->schedule : "", o->gamma, o->decay_period,
      o->milestones != NULL ? o->milestones : "");
}

static char *
describe_run (const TrainOptions *o, const TrainSettings *s, guint n_workers, guint val_period)
{
  return g_strdup_printf ("seed=%" G_GUINT64_FORMAT "\nworkers=%u\nbatch=%u\n~length=%u,%u\n"
                          "~validation=%u,%d\nhold_out=%g\nrepeat=%g\nrate=%g,%g,%g\n"
                          "momentum=%g\nweight_decay=%g,%g\nclip=%g\nema=%g\n"
                          "statistics=%d\nfreeze=%u\n",
      s->seed, n_workers, s->batch, s->schedule.iterations, s->schedule.warmup_iterations,
      val_period, o->patience, o->val_split, o->repeat_threshold, s->schedule.base_rate,
      s->schedule.end_rate, s->schedule.warmup_factor, s->sgd.momentum, s->sgd.weight_decay,
      s->sgd.norm_weight_decay, s->sgd.clip_norm, s->sgd.ema_decay, s->statistics,
      s->frozen_stages);
}

static char *
describe_detector (const TrainOptions *o, const RcnnSettings *s)
{
  g_autofree char *given = describe_given (o);

  return g_strdup_printf ("rpn=%u,%g,%g,%g,%g\nroi=%u,%g,%g,%g,%g\nproposals=%u,%u\n"
                          "poolers=%u,%u\nmasks=%d\nkeypoints=%d,%g\nsizes=%s\nmodel=%s\n",
      s->rpn.batch, s->rpn.fraction, (double) s->rpn.lower, (double) s->rpn.upper, s->rpn_beta,
      s->heads.batch, s->heads.fraction, (double) s->heads.lower, (double) s->heads.upper,
      s->box_beta, s->pre_nms_count, s->post_nms_count, s->box_resolution, s->mask_resolution,
      s->masks, s->keypoints, s->keypoint_weight, o->sizes != NULL ? o->sizes : "", given);
}

static char *
describe_classifier (const TrainOptions *o)
{
  return g_strdup_printf ("label_smoothing=%g\n", o->label_smoothing);
}

static char *
describe_samples (const TrainOptions *o)
{
  const AugmentOptions *a = &o->augment;

  return g_strdup_printf ("augment=%g,%g,%g,%g,%g,%g,%g,%g,%g,%g,%g,%g,%g\n%s%s", a->flip,
      a->zoom_in, a->zoom_out, a->brightness, a->contrast, a->saturation, a->flip_vertical, a->hue,
      a->grey, a->blur, a->noise, a->cutout, a->mosaic, o->keep_empty ? "keep_empty=1\n" : "",
      o->keep ? "keep=1\n" : "");
}

/* All that the result depends on, but for the model that the run begins with and the pictures. */
static char *
fingerprint (const TrainOptions *o, const TrainSettings *s, guint n_workers, guint val_period)
{
  const gboolean by_class = train_options_by_class (o);
  g_autofree char *run = describe_run (o, s, n_workers, val_period);
  g_autofree char *solver = describe_solver (o, &s->sgd.solver);
  g_autofree char *task = by_class ? describe_classifier (o) : describe_detector (o, &s->rcnn);
  g_autofree char *samples = describe_samples (o);

  return g_strconcat (run, solver, task, samples, NULL);
}

gboolean
train_options_validates (const TrainOptions *o)
{
  return o->val_images != NULL || o->val_split > 0;
}

guint
train_options_val_period (const TrainOptions *o, guint epoch_length)
{
  const guint epoch = epoch_length / (guint) o->batch;

  if (!train_options_validates (o))
    return 0;
  return o->val_period > 0 ? (guint) o->val_period : MAX (epoch, 25);
}

static guint
choose_iterations (const TrainOptions *o, guint epoch_length)
{
  const double epoch = (double) epoch_length / o->batch;

  if (o->iterations > 0)
    return (guint) o->iterations;
  if (o->epochs > 0)
    return (guint) CLAMP (ceil (o->epochs * epoch), 1, G_MAXINT);
  return o->model != NULL ? (guint) CLAMP (ceil (10 * epoch), 200, 2000) : 1000;
}

/* "0.67,0.89" of the steps, ascending. */
static gboolean
read_milestones (const TrainOptions *o, Schedule *schedule, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (o->milestones != NULL ? o->milestones : "0.67,0.89", ",", -1);
  double before = 0;

  for (guint i = 0; parts[i] != NULL; i++) {
    char *end;
    const double share = g_ascii_strtod (parts[i], &end);
    if (end == parts[i] || *end != '\0' || !(share > before && share < 1) || i == MAX_MILESTONES)
      return usage_error (error,
          "--milestones: expected shares that ascend between 0 and 1, at most %d, found \"%s\"",
          MAX_MILESTONES, o->milestones);
    schedule->milestones[i] = (guint) ceil (share * schedule->iterations);
    schedule->n_milestones = i + 1;
    before = share;
  }
  return TRUE;
}

static gboolean
read_solver (const TrainOptions *o, SolverSettings *solver, GError **error)
{
  float beta1, beta2;
  char rest;

  *solver = solver_settings_of (o->solver_kind);
  solver->nesterov = o->nesterov;
  solver->rho = o->rho >= 0 ? o->rho : solver->rho;
  solver->epsilon = o->epsilon >= 0 ? o->epsilon : solver->epsilon;
  if (!(solver->rho < 1))
    return usage_error (error, "expected a --rho from 0 to below 1");
  if (o->betas == NULL)
    return TRUE;
  if (sscanf (o->betas, "%f,%f%c", &beta1, &beta2, &rest) != 2
      || !(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1))
    return usage_error (error, "--betas: expected two numbers from 0 to below 1, B,B, found \"%s\"",
        o->betas);
  solver->beta1 = (double) beta1;
  solver->beta2 = (double) beta2;
  return TRUE;
}

static gboolean
share_batch (const TrainOptions *o, guint n_processes, TrainSettings *settings, GError **error)
{
  const guint batch = (guint) o->batch, share = batch / n_processes;

  settings->n_threads =
      o->threads > 0 ? (guint) o->threads : group_even_threads (share, g_get_num_processors ());
  const guint n_workers = settings->n_threads * n_processes;
  settings->batch = batch / n_workers;
  if (batch % n_workers == 0)
    return TRUE;
  return usage_error (error,
      "expected a --batch that the workers can share evenly, found %d for %u of them: --batch %u, "
      "or fewer --threads",
      o->batch, n_workers, (batch / n_workers + 1) * n_workers);
}

gboolean
train_options_settings (const TrainOptions *o, const FbnetModel *model, guint n_processes,
    guint epoch_length, TrainSettings *settings, GError **error)
{
  const guint iterations = choose_iterations (o, epoch_length);

  if (o->plateau && n_processes > 1)
    return usage_error (error, "--schedule plateau: expected one process, found %u", n_processes);
  *settings = (TrainSettings){
    .seed = (guint64) o->seed,
    .schedule = { iterations, o->rate, o->end_rate,
        o->warmup >= 0 ? (guint) o->warmup : MIN (iterations / 20, 1000), o->warmup_factor, o->fall,
        o->gamma, .period = o->decay_period > 0 ? (guint) o->decay_period : (iterations + 2) / 3 },
    .sgd = { o->momentum, o->weight_decay, o->norm_weight_decay, o->clip, o->ema, 10 },
    .statistics_momentum = 0.1,
    .classify = { o->label_smoothing },
    .frozen_stages = (guint) MAX (o->freeze, 0),
    .checkpoint = o->checkpoint,
    .checkpoint_period = (guint) o->checkpoint_period,
  };
  if (!read_milestones (o, &settings->schedule, error)
      || !read_solver (o, &settings->sgd.solver, error)
      || !share_batch (o, n_processes, settings, error)
      || !read_statistics (o, model, &settings->statistics, error)
      || (!train_options_by_class (o) && !read_rcnn (o, model, &settings->rcnn, error)))
    return FALSE;
  settings->fingerprint = fingerprint (o, settings, settings->n_threads * n_processes,
      train_options_val_period (o, epoch_length));
  return TRUE;
}

gboolean
train_options_augment (const TrainOptions *o, const FbnetModel *model, AugmentOptions *augment,
    GError **error)
{
  const Description *d = model->description;

  *augment = o->augment;
  augment->n_min_sizes = 1;
  augment->size_range = FALSE;
  if (d->task == FBNET_TASK_CLASSIFICATION) {
    augment->square = augment->min_sizes[0] = augment->max_size = d->crop;
    augment->min_visible = 0;
  } else {
    augment->min_sizes[0] = d->params.min_size;
    augment->max_size = d->params.max_size;
  }
  augment->bgr = d->bgr;
  for (guint i = 0; i < 3; i++)
    augment->border[i] = (guint8) CLAMP (rintf (d->mean[i]), 0, 255);
  return (o->sizes == NULL || read_sizes (o->sizes, augment, error))
      && augment_options_check (augment, error);
}
