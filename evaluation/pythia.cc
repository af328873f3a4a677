// The final particles of proton collisions with hard jets, a line each: event, PDG id, momentum, energy and mass in GeV, in so many digits
// that a double is told from any other.
//
//     PYTHIA8DATA=xmldoc pythia EVENTS BEAM SEED
//
// BEAM is the energy of each proton in GeV, PYTHIA8DATA the folder of Pythia's settings.

#include <cstdio>
#include <cstdlib>
#include <string>

#include "Pythia8/Pythia.h"

int main(int count, char** given) {
  if (count != 4) {
    std::fprintf(stderr, "usage: PYTHIA8DATA=xmldoc %s EVENTS BEAM SEED\n", given[0]);
    return 2;
  }
  const long events = std::atol(given[1]);
  const std::string energy = std::to_string(2 * std::atof(given[2])), seed = given[3];
  Pythia8::Pythia pythia("", false);
  for (const std::string& setting :
       {std::string("HardQCD:all = on"), std::string("PhaseSpace:pTHatMin = 50"), std::string("Beams:idA = 2212"),
        std::string("Beams:idB = 2212"), std::string("Print:quiet = on"), "Beams:eCM = " + energy,
        std::string("Random:setSeed = on"), "Random:seed = " + seed}) {
    pythia.readString(setting);
  }
  if (!pythia.init()) {
    std::fprintf(stderr, "Pythia does not start\n");
    return 1;
  }
  for (long written = 0; written < events;) {
    if (!pythia.next()) continue;
    for (int place = 0; place < pythia.event.size(); ++place) {
      const Pythia8::Particle& particle = pythia.event[place];
      if (!particle.isFinal()) continue;
      std::printf("%ld,%d,%.17g,%.17g,%.17g,%.17g,%.17g\n", written, particle.id(), particle.px(), particle.py(),
                  particle.pz(), particle.e(), particle.m());
    }
    ++written;
  }
}
