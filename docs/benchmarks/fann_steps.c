/* One-sample SGD by FANN ("incremental training"), for steps.py: logistic units, squared error, no momentum. */

#include <floatfann.h>

struct fann *network(unsigned n_layers, const unsigned *units, float tau)
{
    struct fann *net = fann_create_standard_array(n_layers, units);
    fann_set_activation_function_hidden(net, FANN_SIGMOID);
    fann_set_activation_function_output(net, FANN_SIGMOID);
    fann_set_training_algorithm(net, FANN_TRAIN_INCREMENTAL);
    fann_set_train_error_function(net, FANN_ERRORFUNC_LINEAR);
    fann_set_learning_momentum(net, 0);
    fann_set_learning_rate(net, 2 * tau); /* FANN's gradient lacks the factor 2 of the square */
    return net;
}

void steps(struct fann *net, float *X, float *Y, const long *rows, long n)
{
    const size_t inputs = fann_get_num_input(net), outputs = fann_get_num_output(net);
    for (long i = 0; i < n; i++)
        fann_train(net, X + rows[i] * inputs, Y + rows[i] * outputs);
}
