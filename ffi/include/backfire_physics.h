/* Backfire's physics: oscillators, what their coherence is worth, the controller above them, the topology of their
 * motion, and the graph that learns on them. docs/oversight.md states every formula.
 *
 * Units: phases in radians, frequencies in rad/s, times in seconds. Matrices are n * n doubles, row by row.
 *
 * Arrays: each has its length beside it, in doubles; a length that does not fit is refused before anything is read or
 * written ("theta length mismatch: expected 16, got 3"), and so is a NaN or an infinity ("input theta contains NaN or
 * Inf"): BACKFIRE_ERROR_INVALID_ARGUMENT. An out array may be NULL where its length is 0: it is not wanted, then.
 *
 * Threads, errors, structs and handles: as in backfire.h. An options pointer may be NULL: the defaults.
 */
#ifndef BACKFIRE_PHYSICS_H
#define BACKFIRE_PHYSICS_H

#include "backfire.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- random numbers: xorshift64, the same on every machine for the same seed ---- */

typedef struct BackfireRandom BackfireRandom;

/* Seed 0 stands for 0xDEADBEEFCAFEBABE. NULL if memory is short. */
BACKFIRE_API BackfireRandom* backfire_random_create(uint64_t seed);
BACKFIRE_API int32_t backfire_random_next(BackfireRandom* random, uint64_t* out, size_t len);  /* raw */
BACKFIRE_API int32_t backfire_random_uniform(BackfireRandom* random, double* out, size_t len); /* in [0, 1) */
/* Standard normal; each takes two raw numbers. */
BACKFIRE_API int32_t backfire_random_normal(BackfireRandom* random, double* out, size_t len);
BACKFIRE_API void backfire_random_destroy(BackfireRandom* random); /* NULL is ignored */

/* ---- network: the oscillators of an engine ---- */

#define BACKFIRE_STANDARD_SIZE 16

/* The natural frequencies of the standard network (16), and its coupling (256, symmetric, zero diagonal). */
BACKFIRE_API int32_t backfire_standard_omega(double* out, size_t len);
BACKFIRE_API int32_t backfire_standard_coupling(double* out, size_t len);

/* Copied by the functions that take one. A NULL network is the standard one. */
typedef struct BackfireNetwork {
  size_t struct_size;
  uint32_t n;          /* oscillators: 2 to 1024, or 0 for BACKFIRE_STANDARD_SIZE */
  uint32_t reserved;   /* 0 */
  const double* omega; /* n frequencies; NULL: the first n of the standard ones (n <= 16) */
  size_t omega_len;
  const double* k; /* n * n, symmetric, zero diagonal; NULL: the upper left of the standard one (n <= 16) */
  size_t k_len;
} BackfireNetwork;

/* ---- UPDE: d theta_n = Omega_n + sum_m K_nm sin(theta_m - theta_n) + F cos theta_n, with noise ---- */

typedef struct BackfireUpde BackfireUpde;

typedef struct BackfireUpdeOptions {
  size_t struct_size;
  double dt;              /* 0.01 s; > 0 */
  double field_pressure;  /* 0.1: F */
  double noise_amplitude; /* 0.05; >= 0 */
  uint64_t seed;          /* 42 */
} BackfireUpdeOptions;

/* Of the caller's n phases. */
typedef struct BackfireUpdeState {
  size_t struct_size;
  double t;        /* since the first step */
  double r_global; /* |mean e^(i theta)|, in [0, 1] */
  uint64_t step_count;
} BackfireUpdeState;

BACKFIRE_API void backfire_upde_options_init(BackfireUpdeOptions* options); /* NULL is ignored */
BACKFIRE_API int32_t backfire_upde_create(const BackfireUpdeOptions* options, const BackfireNetwork* network,
                                          BackfireUpde** out);
/* The state of given phases before their first step; of random ones, which are written to theta. */
BACKFIRE_API int32_t backfire_upde_begin(const BackfireUpde* upde, const double* theta, size_t len,
                                         BackfireUpdeState* out);
BACKFIRE_API int32_t backfire_upde_begin_random(BackfireUpde* upde, double* theta, size_t len, BackfireUpdeState* out);
/* So many steps on: theta and state are read and written. dtheta_dt gets the velocity of the last step without its
 * noise; 0 steps leave it alone. */
BACKFIRE_API int32_t backfire_upde_run(BackfireUpde* upde, uint64_t steps, double* theta, size_t len, double* dtheta_dt,
                                       size_t dtheta_len, BackfireUpdeState* state);
BACKFIRE_API void backfire_upde_destroy(BackfireUpde* upde); /* NULL is ignored, as in every _destroy */

/* ---- SEC: how far phases are from coherence, V = Vc + Vf + Ve ---- */

typedef struct BackfireSec BackfireSec;

typedef struct BackfireSecOptions {
  size_t struct_size;
  double lambda_omega;   /* 0.1; >= 0 */
  double lambda_entropy; /* 0.01; >= 0 */
} BackfireSecOptions;

typedef struct BackfireSecResult {
  size_t struct_size;
  double v;
  double v_normalised;    /* V / Vmax, in [0, 1] */
  double coherence_score; /* 1 - v_normalised */
  double r_global;
  double v_coupling;
  double v_frequency; /* 0 without previous phases */
  double v_entropy;
  double dv_dt; /* of v_coupling + v_entropy, since the previous phases; 0 without */
} BackfireSecResult;

BACKFIRE_API void backfire_sec_options_init(BackfireSecOptions* options);
BACKFIRE_API int32_t backfire_sec_create(const BackfireSecOptions* options, const BackfireNetwork* network,
                                         BackfireSec** out);
/* previous: the phases dt before, or NULL with length 0; dt counts only with them, and is > 0 then. */
BACKFIRE_API int32_t backfire_sec_evaluate(const BackfireSec* sec, const double* theta, size_t len,
                                           const double* previous, size_t previous_len, double dt,
                                           BackfireSecResult* out);
/* 2 / (pi g(0)) for frequencies with a normal distribution of omega's standard deviation. */
BACKFIRE_API int32_t backfire_sec_critical_coupling(const BackfireSec* sec, double* out);
BACKFIRE_API int32_t backfire_sec_largest(const BackfireSec* sec, double* out); /* Vmax */
BACKFIRE_API void backfire_sec_destroy(BackfireSec* sec);

/* ---- L16: the controller above ---- */

typedef struct BackfireL16 BackfireL16;

typedef struct BackfireL16Options {
  size_t struct_size;
  uint32_t n;                /* 16; 2 to 1024 phases */
  uint32_t plv_window;       /* 10; 1 to 65536 */
  uint32_t h_rec_window;     /* 5; 1 to 65536 */
  uint32_t reserved;         /* 0 */
  double plv_threshold;      /* 0.6; >= 0 */
  double refusal_lr_factor;  /* 0.5; >= 0 */
  double refusal_d_factor;   /* 0.5; >= 0 */
  double refusal_tau_factor; /* 1.5; >= 0 */
} BackfireL16Options;

typedef struct BackfireL16Input {
  size_t struct_size;
  double r_global;
  double plv; /* phase locking value */
  double c7;
  double c8;
  double c10;
  double p_h1;
  double h_frob;
  double dt;       /* > 0 */
  const double* v; /* n * n eigenvectors now and for reference; with both the recursion error takes its full form */
  size_t v_len;
  const double* phi;
  size_t phi_len;
} BackfireL16Input;

typedef struct BackfireL16Output {
  size_t struct_size;
  double lambda7; /* this and the next three in [0.01, 10] */
  double lambda8;
  double lambda10;
  double nu_star;
  double h_rec;
  double dh_rec_dt;
  double avg_plv;
  double lr_z_scale; /* this and the next two are 1, or the refusal factors */
  double d_theta_scale;
  double tau_d_scale;
  int32_t gate_open; /* 1 or 0, as the next two */
  int32_t refusal;
  int32_t lyapunov_stable; /* dh_rec_dt <= 0 */
  int32_t reserved;
} BackfireL16Output;

BACKFIRE_API void backfire_l16_options_init(BackfireL16Options* options);
BACKFIRE_API int32_t backfire_l16_create(const BackfireL16Options* options, BackfireL16** out);
BACKFIRE_API int32_t backfire_l16_step(BackfireL16* l16, const double* theta, size_t len, const BackfireL16Input* in,
                                       BackfireL16Output* out);
BACKFIRE_API int32_t backfire_l16_reset(BackfireL16* l16); /* forgets integrals and windows */
BACKFIRE_API void backfire_l16_destroy(BackfireL16* l16);

/* ---- PGBO: the velocity of all phases, bounded, and its tensor ---- */

typedef struct BackfirePgbo BackfirePgbo;

typedef struct BackfirePgboOptions {
  size_t struct_size;
  uint32_t n;         /* 16; 2 to 1024 */
  uint32_t traceless; /* 0; 1: h has no trace */
  double alpha;       /* 0.5 */
  double kappa;       /* 0.3 */
  double u_cap;       /* 10; > 0 */
} BackfirePgboOptions;

typedef struct BackfirePgboResult {
  size_t struct_size;
  double u_norm; /* < u_cap */
  double h_trace;
  double h_frob;
} BackfirePgboResult;

BACKFIRE_API void backfire_pgbo_options_init(BackfirePgboOptions* options);
BACKFIRE_API int32_t backfire_pgbo_create(const BackfirePgboOptions* options, BackfirePgbo** out);
/* The velocity is that since the last call, 0 in the first. u_mu gets n numbers, h_munu n * n; dt > 0. */
BACKFIRE_API int32_t backfire_pgbo_compute(BackfirePgbo* pgbo, const double* theta, size_t len, double dt, double* u_mu,
                                           size_t u_len, double* h_munu, size_t h_len, BackfirePgboResult* out);
BACKFIRE_API int32_t backfire_pgbo_set_boundary_potential(BackfirePgbo* pgbo, const double* a, size_t len);
BACKFIRE_API int32_t backfire_pgbo_reset(BackfirePgbo* pgbo); /* forgets the last phases, not the boundary */
BACKFIRE_API void backfire_pgbo_destroy(BackfirePgbo* pgbo);

/* ---- TCBO: does the motion close a loop ---- */

typedef struct BackfireTcbo BackfireTcbo;

typedef struct BackfireTcboOptions {
  size_t struct_size;
  uint32_t n;           /* 16; 1 to 1024 */
  uint32_t window_size; /* 50; at most 256 */
  uint32_t embed_dim;   /* 3; 1 to 64 */
  uint32_t tau_delay;   /* 1; 1 to 64. window_size - (embed_dim - 1) tau_delay must be 3 or more */
  double tau_h1;        /* 0.72; in [0, 1] */
  double beta;          /* 8; > 0 */
  double s0;            /* 0.5: the lifetime at which p_h1 is one half */
} BackfireTcboOptions;

typedef struct BackfireTcboResult {
  size_t struct_size;
  double p_h1;          /* 1 / (1 + exp(-beta (s_h1 - s0))); 0 until the window is full */
  double s_h1;          /* lifetime of the longest hole, 0 where that is at most 0.05 */
  int32_t is_conscious; /* 1: p_h1 > tau_h1 */
  uint32_t samples;     /* in the window */
} BackfireTcboResult;

BACKFIRE_API void backfire_tcbo_options_init(BackfireTcboOptions* options);
BACKFIRE_API int32_t backfire_tcbo_create(const BackfireTcboOptions* options, BackfireTcbo** out);
BACKFIRE_API int32_t backfire_tcbo_push(BackfireTcbo* tcbo, const double* theta, size_t len);
/* Of the window as it is; computed anew only after a push, or with force 1. */
BACKFIRE_API int32_t backfire_tcbo_compute(BackfireTcbo* tcbo, int32_t force, BackfireTcboResult* out);
BACKFIRE_API int32_t backfire_tcbo_reset(BackfireTcbo* tcbo);
BACKFIRE_API void backfire_tcbo_destroy(BackfireTcbo* tcbo);

typedef struct BackfireTcboController BackfireTcboController;

typedef struct BackfireTcboControllerOptions {
  size_t struct_size;
  double tau_h1;    /* 0.72; in [0, 1] */
  double kp;        /* 0.8; >= 0 */
  double ki;        /* 0.2; > 0 */
  double kappa_max; /* 5; > 0 */
} BackfireTcboControllerOptions;

BACKFIRE_API void backfire_tcbo_controller_options_init(BackfireTcboControllerOptions* options);
BACKFIRE_API int32_t backfire_tcbo_controller_create(const BackfireTcboControllerOptions* options,
                                                     BackfireTcboController** out);
/* *out_kappa gets the gain, in [0, kappa_max]; dt > 0. */
BACKFIRE_API int32_t backfire_tcbo_controller_step(BackfireTcboController* controller, double p_h1, double dt,
                                                   double* out_kappa);
BACKFIRE_API int32_t backfire_tcbo_controller_reset(BackfireTcboController* controller);
BACKFIRE_API void backfire_tcbo_controller_destroy(BackfireTcboController* controller);

/* ---- SSGF: a graph that learns while oscillators run on it ---- */

typedef struct BackfireSsgf BackfireSsgf;

typedef struct BackfireSsgfOptions {
  size_t struct_size;
  double lr_z;           /* 0.01; >= 0 */
  double noise_amp;      /* 0.02; >= 0 */
  uint64_t seed;         /* 42 */
  uint32_t n_micro;      /* 10; 1 to 100000 */
  uint32_t pgbo_enabled; /* 1 */
} BackfireSsgfOptions;

typedef struct BackfireSsgfStep {
  size_t struct_size;
  uint64_t step; /* 1 for the first */
  double u_total;
  double r_global;
  double lambda1; /* of the new graph: how firmly it hangs together */
  double c_micro; /* the costs before the step */
  double c4;
  double c7;
  double c8;
  double c9;
  double c10;
  double r_graph;
  double c_pgbo;
  double h_rec; /* of the controller, as the rest */
  double dh_rec_dt;
  double lr_z_scale;
  double d_theta_scale;
  double tau_d_scale;
  double lambda7;
  double lambda8;
  double lambda10;
  double nu_star;
  int32_t gate_open;
  int32_t refusal;
} BackfireSsgfStep;

typedef enum BackfireSsgfArray {
  BACKFIRE_SSGF_Z = 0,            /* n (n - 1) / 2 parameters: the upper triangle, row by row */
  BACKFIRE_SSGF_THETA = 1,        /* n */
  BACKFIRE_SSGF_W = 2,            /* n * n weights: symmetric, zero diagonal, else positive */
  BACKFIRE_SSGF_EIGENVALUES = 3,  /* n, ascending, of I - D^-1/2 W D^-1/2 */
  BACKFIRE_SSGF_EIGENVECTORS = 4, /* n * n, one a column */
  BACKFIRE_SSGF_H = 5,            /* n * n: the PGBO's tensor */
  BACKFIRE_SSGF_PHI = 6,          /* n * n: eigenvectors of the coupling, the reference */
  BACKFIRE_SSGF_GRADIENT = 7      /* n (n - 1) / 2: of the last step's u_total by z; zeros before the first */
} BackfireSsgfArray;

typedef struct BackfireAudioMapping {
  size_t struct_size;
  double r_global;
  double entrainment_intensity; /* R */
  double beat_hz;               /* 0.5 to 40 */
  double pulse_hz;              /* 1 to 20 */
  double spatial_angle_deg;     /* 0 to 360 */
  double fiedler_stability;     /* lambda1 */
  double spectral_gap;          /* lambda2 - lambda1 */
  double geometry_density;      /* mean weight */
  const char* brainwave_band;   /* "delta", "theta", "alpha", "beta", "gamma": the library's, for ever */
  int32_t gate_open;            /* of the last step, as the next */
  int32_t refusal;
} BackfireAudioMapping;

BACKFIRE_API void backfire_ssgf_options_init(BackfireSsgfOptions* options);
/* The network needs 3 oscillators or more, each with a positive sum of couplings. */
BACKFIRE_API int32_t backfire_ssgf_create(const BackfireSsgfOptions* options, const BackfireNetwork* network,
                                          BackfireSsgf** out);
/* So many outer steps on. *out (may be NULL) gets the last; with 0 steps it is left alone. */
BACKFIRE_API int32_t backfire_ssgf_run(BackfireSsgf* ssgf, uint64_t steps, BackfireSsgfStep* out);
/* Copies an array; len is its length. */
BACKFIRE_API int32_t backfire_ssgf_read(const BackfireSsgf* ssgf, BackfireSsgfArray which, double* out, size_t len);
/* The newest steps, at most 1000, oldest first: at most cap are copied, *out_count gets how many. Set struct_size in
 * out[0]: it is the distance from one to the next. out may be NULL when cap is 0. */
BACKFIRE_API int32_t backfire_ssgf_log(const BackfireSsgf* ssgf, BackfireSsgfStep* out, size_t cap, size_t* out_count);
BACKFIRE_API int32_t backfire_ssgf_audio(const BackfireSsgf* ssgf, BackfireAudioMapping* out);
BACKFIRE_API int32_t backfire_ssgf_set_tcbo_p_h1(BackfireSsgf* ssgf, double p_h1); /* in [0, 1] */
/* Order of the phases now, outer steps so far, oscillators; each may be NULL. */
BACKFIRE_API int32_t backfire_ssgf_status(const BackfireSsgf* ssgf, double* r_global, uint64_t* step_count,
                                          uint32_t* n);
BACKFIRE_API void backfire_ssgf_destroy(BackfireSsgf* ssgf);

#ifdef __cplusplus
}
#endif
#endif
