/* Every function of backfire_physics.h once, from C11, with golden figures of docs/oversight.md, and the frozen sizes,
 * places and numbers of major version 1. */
#include "backfire_physics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(BACKFIRE_STANDARD_SIZE == 16, "the standard network");
_Static_assert(sizeof(BackfireNetwork) == 48 && offsetof(BackfireNetwork, k_len) == 40, "BackfireNetwork");
_Static_assert(sizeof(BackfireUpdeOptions) == 40 && offsetof(BackfireUpdeOptions, seed) == 32, "BackfireUpdeOptions");
_Static_assert(sizeof(BackfireUpdeState) == 32, "BackfireUpdeState");
_Static_assert(sizeof(BackfireSecOptions) == 24, "BackfireSecOptions");
_Static_assert(sizeof(BackfireSecResult) == 72 && offsetof(BackfireSecResult, dv_dt) == 64, "BackfireSecResult");
_Static_assert(sizeof(BackfireL16Options) == 56, "BackfireL16Options");
_Static_assert(sizeof(BackfireL16Input) == 104 && offsetof(BackfireL16Input, phi_len) == 96, "BackfireL16Input");
_Static_assert(sizeof(BackfireL16Output) == 104 && offsetof(BackfireL16Output, gate_open) == 88, "BackfireL16Output");
_Static_assert(sizeof(BackfirePgboOptions) == 40, "BackfirePgboOptions");
_Static_assert(sizeof(BackfirePgboResult) == 32, "BackfirePgboResult");
_Static_assert(sizeof(BackfireTcboOptions) == 48 && offsetof(BackfireTcboOptions, s0) == 40, "BackfireTcboOptions");
_Static_assert(sizeof(BackfireTcboResult) == 32, "BackfireTcboResult");
_Static_assert(sizeof(BackfireTcboControllerOptions) == 40, "BackfireTcboControllerOptions");
_Static_assert(sizeof(BackfireSsgfOptions) == 40, "BackfireSsgfOptions");
_Static_assert(sizeof(BackfireSsgfStep) == 184 && offsetof(BackfireSsgfStep, gate_open) == 176, "BackfireSsgfStep");
_Static_assert(sizeof(BackfireAudioMapping) == 88, "BackfireAudioMapping");
_Static_assert(BACKFIRE_SSGF_Z == 0 && BACKFIRE_SSGF_GRADIENT == 7, "BackfireSsgfArray");

enum { N = BACKFIRE_STANDARD_SIZE, PAIRS = N * (N - 1) / 2 };

/* A failed check ends the program with the place and the library's own words. */
static void check_at(int right, const char* what, int line) {
  if (right)
    return;
  fprintf(stderr, "line %d: %s; last error: %s\n", line, what, backfire_last_error());
  exit(1);
}
#define CHECK(condition) check_at((condition) ? 1 : 0, #condition, __LINE__)
#define OK(call) check_at((call) == BACKFIRE_SUCCESS, #call, __LINE__)
#define CLOSE(found, golden) check_at(fabs((found) - (golden)) <= 1e-12 * fabs(golden), #found " is " #golden, __LINE__)

static double theta[N];

static void ramp(void) {
  for (int i = 0; i < N; ++i)
    theta[i] = 0.4 * i;
}

static void random_numbers(void) {
  BackfireRandom* random = backfire_random_create(42);
  uint64_t raw[3];
  double number[2];
  OK(backfire_random_next(random, raw, 3));
  CHECK(raw[0] == 45454805674u && raw[1] == 11532217803599905471u && raw[2] == 10021416941527320954u);
  backfire_random_destroy(random);
  random = backfire_random_create(42);
  OK(backfire_random_normal(random, number, 2));
  CHECK(number[0] == -4.4475711850787309 && number[1] == 0.60847685322122069);
  OK(backfire_random_uniform(random, number, 2));
  CHECK(number[0] >= 0 && number[0] < 1);
  backfire_random_destroy(random);
}

static void network(void) {
  double omega[N];
  double k[N * N];
  BackfireNetwork own = {.struct_size = sizeof own, .n = 2, .omega = omega, .omega_len = 2, .k = k, .k_len = 4};
  BackfireUpde* upde = NULL;
  OK(backfire_standard_omega(omega, N));
  OK(backfire_standard_coupling(k, N * N));
  CHECK(omega[1] == 251.327);
  CLOSE(k[2], 0.24696523624231187);
  CLOSE(k[14], 0.0067480095692149670);
  CHECK(backfire_upde_create(NULL, &own, &upde) == BACKFIRE_ERROR_INVALID_ARGUMENT && upde == NULL);
  k[0] = k[3] = 0;
  k[1] = k[2] = 1;
  OK(backfire_upde_create(NULL, &own, &upde));
  backfire_upde_destroy(upde);
}

static void upde(void) {
  BackfireUpdeOptions options;
  BackfireUpdeState state = {.struct_size = sizeof state};
  BackfireUpde* stepper = NULL;
  double velocity[N];
  backfire_upde_options_init(&options);
  options.noise_amplitude = 0;
  OK(backfire_upde_create(&options, NULL, &stepper));
  ramp();
  OK(backfire_upde_begin(stepper, theta, N, &state));
  CHECK(state.step_count == 0 && state.r_global > 0.0183 && state.r_global < 0.0184);
  OK(backfire_upde_run(stepper, 1, theta, N, velocity, N, &state));
  CLOSE(velocity[0], 2.1027313632843692);
  CLOSE(velocity[1], 251.94987264564423);
  CLOSE(state.r_global, 0.15221232545425517);
  OK(backfire_upde_run(stepper, 9, theta, N, NULL, 0, &state));
  CHECK(state.step_count == 10 && fabs(state.t - 0.1) < 1e-12);
  CHECK(backfire_upde_run(stepper, 1, theta, N - 1, NULL, 0, &state) == BACKFIRE_ERROR_INVALID_ARGUMENT);
  CHECK(strcmp(backfire_last_error(), "theta length mismatch: expected 16, got 15") == 0);
  theta[3] = NAN;
  CHECK(backfire_upde_run(stepper, 1, theta, N, NULL, 0, &state) == BACKFIRE_ERROR_INVALID_ARGUMENT);
  CHECK(strcmp(backfire_last_error(), "input theta contains NaN or Inf") == 0);
  OK(backfire_upde_begin_random(stepper, theta, N, &state));
  CHECK(theta[3] >= 0 && state.r_global <= 1);
  backfire_upde_destroy(stepper);
}

static void sec(void) {
  BackfireSecOptions options;
  BackfireSecResult found = {.struct_size = sizeof found};
  BackfireSec* functional = NULL;
  double number = 0;
  backfire_sec_options_init(&options);
  OK(backfire_sec_create(&options, NULL, &functional));
  ramp();
  OK(backfire_sec_evaluate(functional, theta, N, NULL, 0, 0.01, &found));
  CLOSE(found.v, 19.680136668532857);
  CLOSE(found.coherence_score, .67591839340415905);
  OK(backfire_sec_evaluate(functional, theta, N, theta, N, 0.01, &found));
  CHECK(found.v_frequency > 0 && found.dv_dt == 0);
  OK(backfire_sec_critical_coupling(functional, &number));
  CLOSE(number, 96.980045887269753);
  OK(backfire_sec_largest(functional, &number));
  CLOSE(number, 60.725867398811587);
  backfire_sec_destroy(functional);
}

static void l16(void) {
  static const double identity[4] = {1, 0, 0, 1};
  static const double nothing[4] = {0};
  BackfireL16Options options;
  BackfireL16Input in = {.struct_size = sizeof in, .r_global = 1, .p_h1 = 1, .c7 = 2, .dt = 0.1};
  BackfireL16Output out = {.struct_size = sizeof out};
  BackfireL16* controller = NULL;
  const double pair[2] = {1, 1};
  backfire_l16_options_init(&options);
  options.n = 2;
  OK(backfire_l16_create(&options, &controller));
  OK(backfire_l16_step(controller, pair, 2, &in, &out));
  CLOSE(out.lambda7, .3 * 2 + .03 * .2);
  CHECK(out.h_rec == 0 && out.lyapunov_stable == 1 && out.refusal == 0 && out.lr_z_scale == 1);
  in.v = identity;
  in.phi = nothing;
  in.v_len = in.phi_len = 4;
  OK(backfire_l16_step(controller, pair, 2, &in, &out));
  CLOSE(out.h_rec, 2.0);
  OK(backfire_l16_reset(controller));
  OK(backfire_l16_step(controller, pair, 2, &in, &out));
  CLOSE(out.lambda7, .3 * 2 + .03 * .2);
  in.phi_len = 3;
  CHECK(backfire_l16_step(controller, pair, 2, &in, &out) == BACKFIRE_ERROR_INVALID_ARGUMENT);
  backfire_l16_destroy(controller);
}

static void pgbo(void) {
  static const double before[4] = {.1, .2, .3, .4};
  static const double now[4] = {.5, .1, .7, .2};
  BackfirePgboOptions options;
  BackfirePgboResult found = {.struct_size = sizeof found};
  BackfirePgbo* engine = NULL;
  double u[4];
  double h[16];
  backfire_pgbo_options_init(&options);
  options.n = 4;
  OK(backfire_pgbo_create(&options, &engine));
  OK(backfire_pgbo_compute(engine, before, 4, .01, NULL, 0, NULL, 0, &found));
  CHECK(found.u_norm == 0);
  OK(backfire_pgbo_compute(engine, now, 4, .01, u, 4, h, 16, &found));
  CLOSE(u[1], -1.4118784806383888);
  CLOSE(found.u_norm, 8.5881215193616054);
  CLOSE(found.h_frob, 22.126749369396563);
  CHECK(h[1] == h[4] && h[1] < 0);
  OK(backfire_pgbo_reset(engine));
  OK(backfire_pgbo_set_boundary_potential(engine, now, 4));
  OK(backfire_pgbo_compute(engine, now, 4, .01, u, 4, NULL, 0, &found));
  CHECK(u[0] < 0);
  backfire_pgbo_destroy(engine);
}

static void tcbo(void) {
  BackfireTcboOptions options;
  BackfireTcboResult found = {.struct_size = sizeof found};
  BackfireTcboControllerOptions gains;
  BackfireTcbo* observer = NULL;
  BackfireTcboController* controller = NULL;
  double kappa = 0;
  backfire_tcbo_options_init(&options);
  options.n = 1;
  OK(backfire_tcbo_create(&options, &observer));
  for (int t = 0; t < 50; ++t) {
    const double phase = 0.25 * t;
    OK(backfire_tcbo_compute(observer, 0, &found));
    CHECK(found.p_h1 == 0 && found.samples == (uint32_t)t);
    OK(backfire_tcbo_push(observer, &phase, 1));
  }
  OK(backfire_tcbo_compute(observer, 1, &found));
  CHECK(found.is_conscious == 1 && found.s_h1 > 1.3 && found.s_h1 < 1.74);
  OK(backfire_tcbo_reset(observer));
  OK(backfire_tcbo_compute(observer, 0, &found));
  CHECK(found.samples == 0 && found.p_h1 == 0);
  backfire_tcbo_destroy(observer);

  backfire_tcbo_controller_options_init(&gains);
  OK(backfire_tcbo_controller_create(&gains, &controller));
  OK(backfire_tcbo_controller_step(controller, 0, .1, &kappa));
  CLOSE(kappa, .8 * .72 + .2 * .072);
  OK(backfire_tcbo_controller_reset(controller));
  OK(backfire_tcbo_controller_step(controller, .72, .1, &kappa));
  CHECK(kappa == 0);
  backfire_tcbo_controller_destroy(controller);
}

static void ssgf(void) {
  BackfireSsgfOptions options;
  BackfireSsgfStep steps[3] = {{.struct_size = sizeof steps[0]}};
  BackfireAudioMapping sound = {.struct_size = sizeof sound};
  BackfireSsgf* engine = NULL;
  double z[PAIRS];
  double w[N * N];
  double lambda[N];
  double r = 0;
  uint64_t count = 0;
  uint32_t n = 0;
  size_t logged = 0;
  backfire_ssgf_options_init(&options);
  OK(backfire_ssgf_create(&options, NULL, &engine));
  OK(backfire_ssgf_read(engine, BACKFIRE_SSGF_Z, z, PAIRS));
  OK(backfire_ssgf_read(engine, BACKFIRE_SSGF_THETA, theta, N));
  OK(backfire_ssgf_read(engine, BACKFIRE_SSGF_W, w, N * N));
  OK(backfire_ssgf_read(engine, BACKFIRE_SSGF_EIGENVALUES, lambda, N));
  CLOSE(z[0], -.49999999753589008);
  CLOSE(theta[0], 5.6373784963976314);
  CLOSE(w[1], .47407698511040841);
  CLOSE(lambda[1], .99282093902183011);
  OK(backfire_ssgf_set_tcbo_p_h1(engine, .9));
  OK(backfire_ssgf_run(engine, 4, &steps[0]));
  CHECK(steps[0].step == 4 && steps[0].c4 == 0 && steps[0].u_total > 0);
  OK(backfire_ssgf_log(engine, steps, 3, &logged));
  CHECK(logged == 3 && steps[0].step == 2 && steps[2].step == 4 && steps[2].struct_size == sizeof steps[0]);
  OK(backfire_ssgf_audio(engine, &sound));
  CHECK(sound.beat_hz >= .5 && sound.beat_hz <= 40 && strlen(sound.brainwave_band) >= 4);
  OK(backfire_ssgf_status(engine, &r, &count, &n));
  CHECK(count == 4 && n == N && r == sound.r_global);
  CHECK(backfire_ssgf_read(engine, BACKFIRE_SSGF_GRADIENT, z, N) == BACKFIRE_ERROR_INVALID_ARGUMENT);
  OK(backfire_ssgf_read(engine, BACKFIRE_SSGF_GRADIENT, z, PAIRS));
  CHECK(z[0] != 0);
  backfire_ssgf_destroy(engine);
}

int main(void) {
  random_numbers();
  network();
  upde();
  sec();
  l16();
  pgbo();
  tcbo();
  ssgf();
  return 0;
}
