/* Ends the instance of an instruction set, so that the next one can be defined. */

#undef FRACTAL_TARGET
#undef FRACTAL_NAME
#undef FRACTAL_WIDTH
#undef LANES_NAME
#undef LANES_STEPS
#undef LANES_VECTORS
#undef LANES_TOGETHER
