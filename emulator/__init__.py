"""The project's AWS emulator: moto's server plus the gaps that keep real stacks from applying."""
