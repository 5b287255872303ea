namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>The node closed the connection before it had the whole request, but sent an answer first.</summary>
internal sealed class EarlyAnswerException(IOException closed) : IOException("The node answered before it had the whole request.", closed);
